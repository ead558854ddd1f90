//! [`Sampling`]: which slots are kept one by one, beside being counted.

use std::str::FromStr;

use crate::load::random::SplitMix64;
use crate::load::slo::share;
use crate::measure::sample::Sample;

/// Which samples are kept. The choice falls on a slot by the instant it was due and the request it was, before
/// anything is known of its answer, so what is kept is a fair part of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sampling {
    /// None.
    #[default]
    None,
    /// Each.
    Each,
    /// This share of them.
    Share(Share),
}

/// A part of the whole, above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

/// Why a text is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share lies above 0 and is 100% or 1 at most; write for example 1% or 0.01")]
pub struct ShareError;

impl FromStr for Share {
    type Err = ShareError;

    /// Reads `1%` or `0.01`.
    fn from_str(text: &str) -> Result<Self, ShareError> {
        share(text).filter(|share| *share > 0.0).map(Self).ok_or(ShareError)
    }
}

impl Sampling {
    /// Whether a sample is kept.
    pub fn keeps(self, sample: &Sample) -> bool {
        match self {
            Self::None => false,
            Self::Each => true,
            Self::Share(Share(share)) => {
                let (due, request) = (sample.due.as_nanos(), sample.request as u64);
                SplitMix64::for_slot(due, request).unit() < share
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;
    use crate::time::Offset;

    fn sample(slot: u64, fate: Fate) -> Sample {
        let due = Offset::from_nanos(slot * 5_000_000);
        Sample::unsent((slot % 3) as usize, due, fate, Offset::from_nanos(slot * 5_000_000 + 1))
    }

    #[test]
    fn shares_are_read() {
        for (text, share) in [("1%", 0.01), ("0.25", 0.25), ("100%", 1.0), ("1", 1.0)] {
            assert_eq!(text.parse(), Ok(Share(share)), "{text}");
        }
        for text in ["", "0", "-1%", "101%", "2", "NaN", "some"] {
            assert_eq!(text.parse::<Share>(), Err(ShareError), "{text}");
        }
    }

    #[test]
    fn a_share_is_one_of_each_name_and_blind_to_fates() {
        let sampling = Sampling::Share(Share(0.1));
        for request in 0..3 {
            let slots = (0..30_000_u64).filter(|slot| slot % 3 == request);
            let kept = slots.filter(|slot| sampling.keeps(&sample(*slot, Fate::Shed))).count();
            assert!((900..1_100).contains(&kept), "{request}: {kept}");
        }
        for slot in 0..1_000 {
            let [one, other] = [Fate::Shed, Fate::Ok].map(|f| sampling.keeps(&sample(slot, f)));
            assert_eq!(one, other);
            assert!(Sampling::Each.keeps(&sample(slot, Fate::Ok)));
            assert!(!Sampling::None.keeps(&sample(slot, Fate::Ok)));
        }
    }
}
