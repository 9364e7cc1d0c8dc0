//! Shards: the parts of a training batch, and the fixed tree that adds what they computed.

use std::ops::Range;

/// Maximum number of shards of a batch.
pub(super) const MAX_SHARDS: usize = 1 << 16;

/// The number of shards of a batch. Adjacent shards belong to one member of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shards(pub(super) usize);

impl Shards {
    /// The rows of a shard in a batch of `rows` rows; empty in some shards if there are fewer rows than shards.
    pub(super) fn rows(self, shard: usize, rows: usize) -> Range<usize> {
        part(shard, self.0, rows)
    }

    /// The shards of a member.
    pub(super) fn of_member(self, member: usize, members: usize) -> Range<usize> {
        part(member, members, self.0)
    }

    /// The numbers of rows of the shards with rows in a batch of `rows` rows, each once.
    pub(super) fn sizes(self, rows: usize) -> Vec<usize> {
        let (least, most) = (rows / self.0, rows.div_ceil(self.0));
        if least == most || least == 0 { vec![most] } else { vec![least, most] }
    }

    /// The number of shards with rows in a batch of `rows` rows.
    pub(super) fn with_rows(self, rows: usize) -> usize {
        self.0.min(rows)
    }

    /// The leaves of a range of shards, with those that complete the tree after the last shard. Only shards with rows have
    /// values.
    fn leaves(self, shards: Range<usize>) -> Range<usize> {
        let end = if shards.end == self.0 { self.0.next_power_of_two() } else { shards.end };
        shards.start..end
    }

    /// The maximal complete subtrees of a range of shards in a batch of `rows` rows, in order, and whether each has values.
    pub(super) fn subtrees(self, shards: Range<usize>, rows: usize) -> Vec<(Node, bool)> {
        let mut tree = Tree::default();
        for shard in self.leaves(shards) {
            let present = shard < self.0 && !self.rows(shard, rows).is_empty();
            tree.push(Node::leaf(shard), present.then_some(()), |_, ()| {});
        }
        tree.nodes.into_iter().map(|(node, sum)| (node, sum.is_some())).collect()
    }
}

/// Part `number` of `parts` parts of `all` elements.
pub(super) fn part(number: usize, parts: usize, all: usize) -> Range<usize> {
    let border = |number: usize| (number as u128 * all as u128 / parts as u128) as usize;
    border(number)..border(number + 1)
}

/// A node of the tree over all shards: the sum of the leaves from `index` · 2^`level` to (`index` + 1) · 2^`level`, not
/// including the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    level: u32,
    index: usize,
}

impl Node {
    /// The leaf of a shard.
    pub(super) fn leaf(shard: usize) -> Node {
        Node { level: 0, index: shard }
    }

    /// The node that consists of this node and the next one, if they are its halves.
    fn with(self, right: Node) -> Option<Node> {
        let halves = self.level == right.level && self.index.is_multiple_of(2) && right.index == self.index + 1;
        halves.then_some(Node { level: self.level + 1, index: self.index / 2 })
    }
}

/// Sums of adjacent nodes. Complete pairs are added, so that the nodes of all shards become one sum. A node without shards
/// with rows has no value and is ignored in sums.
#[derive(Debug)]
pub(super) struct Tree<T> {
    nodes: Vec<(Node, Option<T>)>,
}

impl<T> Default for Tree<T> {
    fn default() -> Tree<T> {
        Tree { nodes: Vec::new() }
    }
}

impl<T> Tree<T> {
    /// Appends the node after the last one. `add` adds its second argument to the first one.
    pub(super) fn push(&mut self, mut node: Node, mut sum: Option<T>, mut add: impl FnMut(&mut T, T)) {
        while let Some((left, _)) = self.nodes.last()
            && let Some(both) = left.with(node)
        {
            let before = self.nodes.pop().and_then(|(_, sum)| sum);
            sum = match (before, sum) {
                (Some(mut left), Some(right)) => {
                    add(&mut left, right);
                    Some(left)
                }
                (left, right) => left.or(right),
            };
            node = both;
        }
        self.nodes.push((node, sum));
    }

    /// Appends leaves without values after the last shard, so that the tree becomes complete.
    pub(super) fn complete(&mut self, shards: Shards, own: Range<usize>, mut add: impl FnMut(&mut T, T)) {
        for leaf in shards.leaves(own.clone()).skip(own.len()) {
            self.push(Node::leaf(leaf), None, &mut add);
        }
    }

    /// The values of the nodes that have one, in order.
    pub(super) fn sums(&self) -> impl Iterator<Item = &T> {
        self.nodes.iter().filter_map(|(_, sum)| sum.as_ref())
    }

    /// Removes all nodes and passes their values to `take`.
    pub(super) fn clear(&mut self, take: impl FnMut(T)) {
        self.nodes.drain(..).filter_map(|(_, sum)| sum).for_each(take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange;

    /// The sum of leaves as a text with parentheses, by the definition.
    fn expected(leaves: &[Option<usize>]) -> Option<String> {
        if let [leaf] = leaves {
            return leaf.map(|leaf| leaf.to_string());
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        match (expected(left), expected(right)) {
            (Some(left), Some(right)) => Some(format!("({left}+{right})")),
            (left, right) => left.or(right),
        }
    }

    fn add(left: &mut String, right: String) {
        *left = format!("({left}+{right})");
    }

    #[test]
    fn the_left_half_is_the_largest_power_of_two() {
        let seven: Vec<Option<usize>> = (0..7).map(Some).collect();
        assert_eq!(expected(&seven).unwrap(), "(((0+1)+(2+3))+((4+5)+6))");
    }

    /// For each number of members, also those with no shards: members add their subtrees, and the owner finishes the tree.
    #[test]
    fn subtrees_of_members_give_one_tree() {
        for count in 1..=19 {
            let shards = Shards(count);
            for rows in [1, 2, 3, count / 2 + 1, count, 5 * count + 3] {
                let present = |shard: usize| (!shards.rows(shard, rows).is_empty()).then_some(shard);
                let expected = expected(&(0..count).map(present).collect::<Vec<_>>());
                assert_eq!((0..count).filter_map(present).count(), shards.with_rows(rows));
                for members in 1..=count + 2 {
                    let mut whole = Tree::default();
                    for member in 0..members {
                        let (own, mut tree) = (shards.of_member(member, members), Tree::default());
                        for shard in own.clone() {
                            tree.push(Node::leaf(shard), present(shard).map(|shard| shard.to_string()), add);
                        }
                        tree.complete(shards, own.clone(), add);
                        let subtrees = shards.subtrees(own, rows);
                        let found: Vec<(Node, bool)> =
                            tree.nodes.iter().map(|(node, sum)| (*node, sum.is_some())).collect();
                        assert_eq!(found, subtrees);
                        assert!(subtrees.len() <= 2 * count.next_power_of_two().ilog2().max(1) as usize);
                        if rows >= count {
                            let sums = subtrees.iter().filter(|(_, has_values)| *has_values).count();
                            assert_eq!(exchange::subtrees(count, member, members), sums);
                        }
                        for (node, sum) in tree.nodes {
                            whole.push(node, sum, add);
                        }
                    }
                    assert_eq!(whole.nodes.len(), 1, "{count} shards, {members} members");
                    assert_eq!(whole.nodes[0].1, expected, "{count} shards, {members} members");
                }
            }
        }
    }

    #[test]
    fn rows_are_distributed_evenly() {
        let sizes = |count: usize, rows: usize| -> Vec<usize> {
            (0..count).map(|shard| Shards(count).rows(shard, rows).len()).collect()
        };
        assert_eq!(sizes(5, 13), [2, 3, 2, 3, 3]);
        assert_eq!(sizes(4, 2), [0, 1, 0, 1]);
        for (count, rows) in [(5, 13), (4, 2), (3, 9), (1, 7), (7, 48)] {
            let mut found = sizes(count, rows);
            found.retain(|size| *size > 0);
            found.sort_unstable();
            found.dedup();
            assert_eq!(Shards(count).sizes(rows), found);
        }
    }
}
