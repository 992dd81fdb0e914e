//! The sizes thumbs come in: `100x50` fills and crops, `t` and `b` say from where, `f` fits, a 0 follows the other side.

/// A size that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThumbSize {
    width: u32,
    height: u32,
    fit: Fit,
}

/// How an image comes into its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Fill it and cut off what sticks out, keeping this part.
    Fill(Keep),
    /// Wholly inside, never enlarged.
    Inside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Center,
    Top,
    Bottom,
}

/// What to cut out of an image, and how large to make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) new_width: u32,
    pub(super) new_height: u32,
}

impl ThumbSize {
    /// Reads `<width>x<height>`, perhaps followed by `t`, `b` or `f`. Not both sides may be 0.
    pub fn parse(text: &str) -> Option<ThumbSize> {
        let (width, rest) = text.split_once('x')?;
        let (height, fit) = match rest.char_indices().last()? {
            (at, 't') => (&rest[..at], Fit::Fill(Keep::Top)),
            (at, 'b') => (&rest[..at], Fit::Fill(Keep::Bottom)),
            (at, 'f') => (&rest[..at], Fit::Inside),
            _ => (rest, Fit::Fill(Keep::Center)),
        };
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let size = ThumbSize { width: number(width)?, height: number(height)?, fit };
        (size.width > 0 || size.height > 0).then_some(size)
    }

    /// What becomes of an image of that size.
    pub(super) fn plan(self, width: u32, height: u32) -> Plan {
        let whole = |new_width, new_height| Plan { x: 0, y: 0, width, height, new_width, new_height };
        let aspect = f64::from(width) / f64::from(height);
        match (self.width, self.height, self.fit) {
            (0, new_height, _) => whole(rounded(f64::from(new_height) * aspect), new_height),
            (new_width, 0, _) => whole(new_width, rounded(f64::from(new_width) / aspect)),
            (most_width, most_height, Fit::Inside) => {
                if width <= most_width && height <= most_height {
                    whole(width, height)
                } else if aspect > f64::from(most_width) / f64::from(most_height) {
                    whole(most_width, floored(f64::from(most_width) / aspect))
                } else {
                    whole(floored(f64::from(most_height) * aspect), most_height)
                }
            }
            (new_width, new_height, Fit::Fill(keep)) => {
                let wanted = f64::from(new_width) / f64::from(new_height);
                let kept_width = rounded(f64::from(height) * wanted).min(width);
                let kept_height = rounded(f64::from(width) / wanted).min(height);
                let y = match keep {
                    Keep::Top => 0,
                    Keep::Center => (height - kept_height) / 2,
                    Keep::Bottom => height - kept_height,
                };
                let x = (width - kept_width) / 2;
                Plan { x, y, width: kept_width, height: kept_height, new_width, new_height }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides are positive; huge ones saturate")]
fn rounded(side: f64) -> u32 {
    (side + 0.5).floor().max(1.0) as u32
}

/// Stock servers cut off fractions here; a tiny excess undoes the inexactness of the division before.
fn floored(side: f64) -> u32 {
    rounded(side + 1e-9 - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(size: &str) -> (u32, u32, u32, u32, u32, u32) {
        let plan = ThumbSize::parse(size).expect("a size").plan(100, 60);
        (plan.x, plan.y, plan.width, plan.height, plan.new_width, plan.new_height)
    }

    #[test]
    fn sizes_become_plans() {
        for (size, plan) in [
            ("30x20", (5, 0, 90, 60, 30, 20)),
            ("20x20", (20, 0, 60, 60, 20, 20)),
            ("100x30", (0, 15, 100, 30, 100, 30)),
            ("100x30t", (0, 0, 100, 30, 100, 30)),
            ("100x30b", (0, 30, 100, 30, 100, 30)),
            ("30x20f", (0, 0, 100, 60, 30, 18)),
            ("200x150f", (0, 0, 100, 60, 100, 60)),
            ("0x10", (0, 0, 100, 60, 17, 10)),
            ("50x0", (0, 0, 100, 60, 50, 30)),
            ("50x0f", (0, 0, 100, 60, 50, 30)),
            ("200x150", (10, 0, 80, 60, 200, 150)),
            ("1x4000000000", (49, 0, 1, 60, 1, 4_000_000_000)),
        ] {
            assert_eq!(planned(size), plan, "{size}");
        }
    }

    #[test]
    fn what_is_no_size_is_none() {
        for text in
            ["", "x", "10", "10x", "x10", "0x0", "0x0f", "-1x5", "1x+5", "10x10z", "99999999999x1", "10X10", "1x1ff"]
        {
            assert_eq!(ThumbSize::parse(text), None, "{text}");
        }
    }
}
