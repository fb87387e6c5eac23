'''
Doc ÿ
'''
main: X = 'a\r
 b'
