DOCUMENTATION = '''
	a: [
