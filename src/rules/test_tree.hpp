// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "millrace/rules/condition.hpp"

namespace millrace::rules {

using PredicateId = std::uint32_t;

/// A condition compiled: and/or over elementary tests, to which `not` has been pushed down.
struct TestTree {
  enum class Kind { never, always, predicate, all, any, join };
  Kind kind = Kind::never;
  PredicateId predicate = 0;
  std::vector<std::uint32_t> needed;  ///< of a join: slots of which one must be filled, if any
  bool negated = false;               ///< a predicate under `not`
  std::vector<TestTree> children;
  const Expression* origin = nullptr;
};

/// `make_leaf(expression, tree)` completes the tree of an elementary test.
template <class MakeLeaf>
TestTree compile_tests(const Expression& expression, bool negated, MakeLeaf&& make_leaf) {
  using Kind = Expression::Kind;
  TestTree tree;
  tree.origin = &expression;
  switch (expression.kind) {
    case Kind::negate:
      return compile_tests(expression.operands[0], !negated, make_leaf);
    case Kind::all:
    case Kind::any:
      tree.kind =
          (expression.kind == Kind::all) != negated ? TestTree::Kind::all : TestTree::Kind::any;
      for (const auto& operand : expression.operands)
        tree.children.push_back(compile_tests(operand, negated, make_leaf));
      return tree;
    case Kind::literal: {
      const bool holds = expression.value.is_bool() && expression.value.get_bool();
      tree.kind = holds != negated ? TestTree::Kind::always : TestTree::Kind::never;
      return tree;
    }
    default:
      tree.kind = TestTree::Kind::predicate;
      tree.negated = negated;
      make_leaf(expression, tree);
      return tree;
  }
}

/// `leaf(tree)` tells whether a predicate or join holds.
template <class Leaf>
bool holds(const TestTree& tree, Leaf&& leaf) {
  const auto child_holds = [&](const TestTree& child) { return holds(child, leaf); };
  switch (tree.kind) {
    case TestTree::Kind::never:
      return false;
    case TestTree::Kind::always:
      return true;
    case TestTree::Kind::all:
      return std::ranges::all_of(tree.children, child_holds);
    case TestTree::Kind::any:
      return std::ranges::any_of(tree.children, child_holds);
    case TestTree::Kind::predicate:
    case TestTree::Kind::join:
      return leaf(tree);
  }
  return false;
}

}  // namespace millrace::rules
