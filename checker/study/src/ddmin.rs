//! Makes a failing list shorter. What the items are, and what it is to fail, is not known here.

/// `items` less what can be left out so that it still fails: stretches of `size` first, then ever smaller ones, down to single
/// items. No single item can be left out of what is left.
///
/// `fails` says which items were taken when the shorter list failed, or none if it did not; what takes no fewer than before is no
/// gain. Once it answers none whatever it is asked, as when no more tries are left, this ends.
///
/// # Errors
/// `fails` could not judge an input.
pub fn ddmin<T: Clone, E>(
    mut items: Vec<T>,
    mut size: usize,
    mut fails: impl FnMut(&[T]) -> Result<Option<Vec<T>>, E>,
) -> Result<Vec<T>, E> {
    size = size.max(1);
    loop {
        let (mut at, mut is_shorter) = (0, false);
        while at < items.len() {
            let mut shorter = items.clone();
            shorter.drain(at..items.len().min(at + size));
            match fails(&shorter)? {
                Some(taken) if taken.len() < items.len() => (items, is_shorter) = (taken, true),
                Some(_) | None => at += size,
            }
        }
        if size == 1 && !is_shorter {
            return Ok(items);
        }
        size = (size / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::ddmin;

    /// Fails where all of `needed` are, in order; takes nothing behind the last of them.
    fn least(needed: &[u32], tries: &mut usize) -> Vec<u32> {
        let shortest = ddmin((0..100).collect(), 100, |items: &[u32]| {
            *tries += 1;
            let mut rest = needed.iter().peekable();
            let mut taken = Vec::new();
            for item in items {
                taken.push(*item);
                rest.next_if_eq(&item);
                if rest.peek().is_none() {
                    return Ok::<_, ()>(Some(taken));
                }
            }
            Ok(None)
        });
        shortest.unwrap_or_default()
    }

    #[test]
    fn only_what_is_needed_is_left() {
        for needed in [&[57][..], &[0, 99], &[3, 4, 5, 6, 7, 50, 98]] {
            let mut tries = 0;
            assert_eq!(least(needed, &mut tries), needed);
            assert!(tries < 300, "{tries}");
        }
    }

    #[test]
    fn it_ends_when_no_more_is_tried_and_says_what_could_not_be_found_out() {
        let mut left = 3;
        let shorter = ddmin((0..64).collect(), 64, |items: &[u32]| {
            left = if left > 0 { left - 1 } else { return Ok::<_, ()>(None) };
            Ok((items.len() >= 32).then(|| items.to_vec()))
        });
        assert_eq!(shorter, Ok((32..64).collect()));
        assert_eq!(
            ddmin(vec![1, 2], 2, |_: &[i32]| Err::<Option<Vec<i32>>, _>("lost")),
            Err("lost")
        );
    }
}
