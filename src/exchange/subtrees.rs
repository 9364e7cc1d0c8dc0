//! The numbers of sums that members send.

/// The number of sums that member `member` of `members` sends to each member in a step, if a batch has at least as many rows as
/// [shards](crate::Compile::shards): the number of the largest complete subtrees of its shards in the tree over all shards. 0 if
/// it has no shards.
///
/// It is 1 on every member if `shards` is `members` times a power of two, and at most 2 · (⌈log₂ shards⌉ − 1) otherwise. With n
/// gradients and running statistics, of which member m adds nₘ, member m sends this number · (n − nₘ) + (members − 1) · nₘ
/// values of 4 bytes per step.
///
/// ```
/// use gradus::exchange::subtrees;
/// let of_members = |shards: usize| (0..3).map(|member| subtrees(shards, member, 3)).collect::<Vec<_>>();
/// assert_eq!(of_members(8), [1, 2, 2]); // shards 0 and 1; 2 and 3, 4; 5, 6 and 7
/// assert_eq!(of_members(12), [1, 1, 1]);
/// ```
pub fn subtrees(shards: usize, member: usize, members: usize) -> usize {
    let border = |member: usize| (member as u128 * shards as u128 / members.max(1) as u128) as usize;
    let (mut start, end) = (border(member), border(member + 1));
    let leaves = shards.next_power_of_two();
    // Absent leaves after the last shard complete its subtrees.
    let end = if end >= shards { leaves } else { end };
    let mut count = 0;
    while start < end.min(shards) {
        let mut length = if start == 0 { leaves } else { 1 << start.trailing_zeros() };
        while length > end - start {
            length /= 2;
        }
        (start, count) = (start + length, count + 1);
    }
    count
}

/// A line about the exchange of `members` members, with a better number of shards if there is one.
pub(crate) fn report(shards: usize, members: usize) -> String {
    let most = (0..members).map(|member| subtrees(shards, member, members)).max().unwrap_or_default();
    let line = format!("Shards: {shards}, members: {members}, sums that a member sends per step: {most}");
    if shards < members {
        return format!("{line}, members without shards: {}", members - shards);
    }
    let better = (0..16).map(|power| members << power).find(|better| *better >= shards).filter(|_| most > 1);
    better.map_or(line.clone(), |better| format!("{line} (1 with {better} shards, which give other bits)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_times_the_members_need_one_sum() {
        for (members, power) in (1..=9).flat_map(|members| (0..5).map(move |power| (members, power))) {
            assert!((0..members).all(|member| subtrees(members << power, member, members) == 1));
        }
        assert_eq!((0..5).map(|member| subtrees(3, member, 5)).collect::<Vec<_>>(), [0, 1, 0, 1, 1]);
        assert_eq!(subtrees(10, 9, 10), 1); // the absent leaves after it add no sums
    }

    #[test]
    fn reports_name_a_better_number_of_shards() {
        assert_eq!(report(8, 4), "Shards: 8, members: 4, sums that a member sends per step: 1");
        let text =
            "Shards: 8, members: 3, sums that a member sends per step: 2 (1 with 12 shards, which give other bits)";
        assert_eq!(report(8, 3), text);
        let text = "Shards: 2, members: 3, sums that a member sends per step: 1, members without shards: 1";
        assert_eq!(report(2, 3), text);
    }
}
