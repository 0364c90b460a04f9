//! Where the labels of points on a line stand: in lanes above and below it, none over another and none on a seam.

/// A label to be placed: where its point is, how wide it is, and how wide when it says less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    pub at: f32,
    pub width: f32,
    pub short: f32,
}

/// Where a label came to stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub lane: usize,
    pub left: f32,
    /// It says less.
    pub is_short: bool,
}

/// Where labels may stand.
pub struct Lanes<'a> {
    /// From the least left to the greatest right.
    pub room: [f32; 2],
    pub count: usize,
    /// Which share of a label stands left of its point where there is room: 0 begins at it, 0.5 has it in its middle.
    pub anchor: f32,
    /// Labels take turns among the lanes; else the first one is filled as long as there is room.
    pub in_turn: bool,
    /// Moves a label so that no seam goes through it, never further left.
    pub past_seams: &'a dyn Fn(f32, f32) -> f32,
}

/// Between two labels of a lane.
const GAP: f32 = 20.0;

impl Lanes<'_> {
    /// Places labels, given from left to right: none over another, on a seam or out of the room, each above or below its
    /// point. Where one has no room in any lane some say less; `None` where even that leaves none.
    pub fn place(&self, wanted: &[Wanted]) -> Vec<Option<Spot>> {
        let mut short = vec![false; wanted.len()];
        let mut spots = self.placed(wanted, &short);
        // The one that makes most room says less, until all stand.
        while spots.iter().any(Option::is_none) {
            let tried = (0..wanted.len()).filter(|index| !short[*index]).map(|index| {
                let short: Vec<bool> = short.iter().enumerate().map(|(at, short)| *short || at == index).collect();
                let spots = self.placed(wanted, &short);
                (said(&spots), index, spots)
            });
            let Some((most, index, better)) = tried.max_by_key(|(most, index, _)| (*most, *index)) else { break };
            if most <= said(&spots) {
                break;
            }
            short[index] = true;
            spots = better;
        }
        self.ease(wanted, &mut spots);
        spots
    }

    /// Each label as far left as it can stand; those that are `short` say less, and others where that has room alone.
    fn placed(&self, wanted: &[Wanted], short: &[bool]) -> Vec<Option<Spot>> {
        // Where each lane's last label ends when it stands as far left as it can, and when it stands best.
        let mut ends = vec![[f32::NEG_INFINITY; 2]; self.count];
        let mut spots: Vec<Option<Spot>> = Vec::with_capacity(wanted.len());
        for (label, is_short) in wanted.iter().zip(short) {
            let last = spots.last().copied().flatten().map(|spot: Spot| spot.lane);
            let whole = if *is_short { None } else { self.spot(label, &ends, last, false) };
            let spot = whole.or_else(|| self.spot(label, &ends, last, true));
            if let Some((spot, end)) = spot.and_then(|spot| Some((spot, ends.get_mut(spot.lane)?))) {
                let width = label.width_of(spot) + GAP;
                *end = [spot.left + width, self.wish(label.at, width - GAP).max(spot.left) + width];
            }
            spots.push(spot);
        }
        spots
    }

    /// The leftmost place in the lane in which labels need to move apart least.
    fn spot(&self, label: &Wanted, ends: &[[f32; 2]], last: Option<usize>, is_short: bool) -> Option<Spot> {
        let width = if is_short { label.short } else { label.width };
        let [least, most] = self.reach(label.at, width);
        let fits = ends.iter().enumerate().filter_map(|(lane, end)| {
            let left = (self.past_seams)(least.max(end[0]), width);
            let apart = (end[1] - self.wish(label.at, width)).max(0.0);
            let other = if self.in_turn { last == Some(lane) } else { lane > 0 };
            let cost = apart + if other { width } else { 0.0 };
            (left <= most + 0.01).then_some((cost, Spot { lane, left, is_short }))
        });
        fits.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, spot)| spot)
    }

    /// The least and greatest left of a label that stands over its point.
    fn reach(&self, at: f32, width: f32) -> [f32; 2] {
        let [left, right] = self.room;
        [(at - width).max(left), at.min(right - width)]
    }

    /// Its left where it stands best, as far as the room goes.
    fn wish(&self, at: f32, width: f32) -> f32 {
        let [left, right] = self.room;
        (at - width * self.anchor).min(right - width).max(left)
    }

    /// Moves each label towards where it stands best, as far as the next one of its lane lets it.
    fn ease(&self, wanted: &[Wanted], spots: &mut [Option<Spot>]) {
        let mut next = vec![f32::INFINITY; self.count];
        for (label, spot) in wanted.iter().zip(spots).rev() {
            let Some(spot) = spot else { continue };
            let Some(next) = next.get_mut(spot.lane) else { continue };
            let width = label.width_of(*spot);
            let latest = (*next - GAP - width).min(self.reach(label.at, width)[1]);
            let moved = (self.past_seams)(self.wish(label.at, width).min(latest), width);
            if moved > spot.left && moved <= latest + 0.01 {
                spot.left = moved;
            }
            *next = spot.left;
        }
    }
}

/// How much labels say: first that they stand at all, then that they stand whole.
pub fn said(spots: &[Option<Spot>]) -> usize {
    let whole = spots.iter().flatten().filter(|spot| !spot.is_short).count();
    spots.iter().flatten().count() * (spots.len() + 1) + whole
}

impl Wanted {
    fn width_of(&self, spot: Spot) -> f32 {
        if spot.is_short { self.short } else { self.width }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(room: [f32; 2], in_turn: bool, wanted: &[(f32, f32)]) -> Vec<Option<Spot>> {
        let wanted: Vec<Wanted> =
            wanted.iter().map(|(at, width)| Wanted { at: *at, width: *width, short: 30.0 }).collect();
        Lanes { room, count: 2, anchor: 0.5, in_turn, past_seams: &|left, _| left }.place(&wanted)
    }

    fn lefts(spots: &[Option<Spot>]) -> Vec<(usize, f32)> {
        spots.iter().flatten().map(|spot| (spot.lane, spot.left)).collect()
    }

    #[test]
    fn a_label_stands_over_its_point_and_inside_the_room() {
        let spots = place([0.0, 1000.0], false, &[(0.0, 100.0), (400.0, 100.0), (990.0, 100.0)]);
        assert_eq!(lefts(&spots), [(0, 0.0), (0, 350.0), (0, 900.0)]);
    }

    #[test]
    fn two_that_are_near_move_apart_and_one_that_is_nearer_takes_the_second_lane() {
        let spots = place([0.0, 1000.0], false, &[(400.0, 100.0), (440.0, 100.0)]);
        assert_eq!(lefts(&spots), [(0, 300.0), (0, 420.0)]);
        let spots = place([0.0, 1000.0], false, &[(400.0, 100.0), (410.0, 100.0)]);
        assert_eq!(lefts(&spots), [(0, 350.0), (1, 360.0)]);
        let spots = place([0.0, 1000.0], false, &[(400.0, 100.0), (420.0, 100.0), (440.0, 100.0), (460.0, 100.0)]);
        assert!(spots.iter().flatten().count() == 4, "{spots:?}");
    }

    #[test]
    fn labels_take_turns_above_and_below() {
        let spots = place([0.0, 1000.0], true, &[(100.0, 80.0), (350.0, 80.0), (600.0, 80.0)]);
        assert_eq!(lefts(&spots), [(0, 60.0), (1, 310.0), (0, 560.0)]);
    }

    #[test]
    fn where_one_would_be_lost_another_says_less() {
        // As on a narrow wall: the first two fill both lanes beyond the third.
        let spots = place([0.0, 600.0], true, &[(0.0, 160.0), (60.0, 100.0), (118.0, 110.0), (130.0, 150.0)]);
        assert!(spots.iter().all(Option::is_some), "{spots:?}");
        assert!(spots.iter().flatten().filter(|spot| spot.is_short).count() <= 2, "{spots:?}");
    }

    #[test]
    fn where_there_is_hardly_room_years_alone_stand() {
        let spots = place([0.0, 130.0], false, &[(60.0, 120.0), (64.0, 120.0), (110.0, 120.0)]);
        let is_short = |spot: &Option<Spot>| spot.map(|spot| spot.is_short);
        assert_eq!(spots.iter().filter(|spot| is_short(spot) == Some(true)).count(), 2, "{spots:?}");
        assert_eq!(spots.iter().filter(|spot| is_short(spot) == Some(false)).count(), 1, "{spots:?}");
    }

    proptest! {
        #[test]
        fn no_label_lies_over_another_on_a_seam_or_out_of_the_room(
            labels in prop::collection::vec((0.0_f32..1000.0, 40.0_f32..240.0), 0..14),
            seam in 100.0_f32..900.0,
            in_turn: bool,
            anchor in 0.0_f32..1.0,
        ) {
            let mut labels = labels;
            labels.sort_by(|a, b| a.0.total_cmp(&b.0));
            let wanted: Vec<Wanted> =
                labels.iter().map(|(at, width)| Wanted { at: *at, width: *width, short: 40.0 }).collect();
            let past = |left: f32, width: f32| {
                if left < seam + 10.0 && left + width > seam - 10.0 { seam + 10.0 } else { left }
            };
            let spots = Lanes { room: [0.0, 1000.0], count: 2, anchor, in_turn, past_seams: &past }.place(&wanted);
            let mut taken: Vec<(usize, f32, f32)> = Vec::new();
            for (label, spot) in wanted.iter().zip(&spots) {
                let Some(spot) = spot else { continue };
                let (left, right) = (spot.left, spot.left + label.width_of(*spot));
                prop_assert!(left >= -0.1 && right <= 1000.1, "{spots:?}");
                prop_assert!(left <= label.at + 0.1 && right >= label.at - 0.1, "{spots:?}");
                prop_assert!(right <= seam - 9.9 || left >= seam + 9.9, "{spots:?}");
                for (lane, from, to) in &taken {
                    prop_assert!(*lane != spot.lane || left >= to - 0.1 || right <= from + 0.1, "{spots:?}");
                }
                taken.push((spot.lane, left, right));
            }
        }
    }
}
