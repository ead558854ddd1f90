//! Student's t distribution, for any positive number of degrees of freedom, and the number that fits a
//! sum of two variances.

use std::f64::consts::PI;

use crate::analysis::stats::normal;

/// From here on the normal distribution takes over; they differ by less than 10⁻⁷.
const MANY: f64 = 1e7;
/// Terms of the continued fraction; it needs of the order of √df.
const TERMS_MAX: u32 = 20_000;

/// The probability of a value up to `t` with `df` degrees of freedom.
pub fn cdf(t: f64, df: f64) -> f64 {
    if df >= MANY {
        return normal::cdf(t);
    }
    // DLMF 8.17: half the regularised incomplete beta function is the upper tail.
    let tail = beta_share(df / (df + t * t), df / 2.0, 0.5) / 2.0;
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The value below which the probability is `p` with `df` degrees of freedom; infinite at 0 and 1.
pub fn quantile(p: f64, df: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p > 0.5 {
        return -quantile(1.0 - p, df);
    }
    let start = normal::quantile(p);
    if df >= MANY {
        return start;
    }
    let mut low = start.min(-1.0);
    while cdf(low, df) > p {
        low *= 4.0;
    }
    super::inverse(p, (low, start.max(low), 0.0), |t| cdf(t, df), |t| density(t, df))
}

/// The probability of a value at least as far from 0 as `t`.
pub fn two_sided(t: f64, df: f64) -> f64 {
    2.0 * cdf(-t.abs(), df)
}

/// Degrees of freedom of the sum of independent variances, each given with its own (Satterthwaite 1946,
/// Welch 1947). Infinite where no variance has an error.
pub fn welch_satterthwaite(variances: &[(f64, f64)]) -> f64 {
    let sum: f64 = variances.iter().map(|(variance, _)| variance).sum();
    let spread: f64 = variances.iter().map(|(variance, df)| variance * variance / df).sum();
    if spread > 0.0 { sum * sum / spread } else { f64::INFINITY }
}

fn density(t: f64, df: f64) -> f64 {
    let ln = libm::lgamma(f64::midpoint(df, 1.0))
        - libm::lgamma(df / 2.0)
        - (df * PI).ln() / 2.0
        - f64::midpoint(df, 1.0) * (t * t / df).ln_1p();
    ln.exp()
}

/// The regularised incomplete beta function of `x` in 0 to 1.
pub(super) fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    // The fraction converges quickly on this side of the mean; the other side is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        ln.exp() / (a * beta_fraction(x, a, b))
    } else {
        1.0 - ln.exp() / (b * beta_fraction(1.0 - x, b, a))
    }
}

/// The denominator of DLMF 8.17.22, 1 + d₁/(1 + d₂/(1 + …, by the modified Lentz algorithm (Thompson and
/// Barnett 1986).
#[expect(clippy::many_single_char_names, reason = "the names of the source")]
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut fraction, mut c, mut d) = (1.0, 1.0, 0.0);
    for term in 1..=TERMS_MAX {
        let m = f64::from(term / 2);
        let numerator = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away(numerator.mul_add(d, 1.0));
        c = away(1.0 + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tabulated_quantiles() {
        // NIST handbook of statistical methods 1.3.6.7.2, with more digits.
        for (df, p, expected) in [
            (1.0, 0.975, 12.706_204_736),
            (2.0, 0.975, 4.302_652_730),
            (4.0, 0.8, 0.940_964_577),
            (4.0, 0.975, 2.776_445_105),
            (5.0, 0.99, 3.364_929_998),
            (10.0, 0.975, 2.228_138_852),
            (30.0, 0.995, 2.749_995_654),
            (100.0, 0.9, 1.290_074_761),
        ] {
            let t = quantile(p, df);
            assert!((t - expected).abs() < 1e-7, "df {df}, p {p}: {t}");
            assert!((quantile(1.0 - p, df) + expected).abs() < 1e-7, "df {df}, p {p}");
        }
        assert!((quantile(0.975, f64::INFINITY) - 1.959_963_984_5).abs() < 1e-9);
        assert!((two_sided(-2.228_138_852, 10.0) - 0.05).abs() < 1e-9);
    }

    #[test]
    fn one_and_two_degrees_have_closed_forms() {
        for t in [-40.0, -3.0, -0.5, 0.0, 0.2, 1.0, 7.0, 1000.0_f64] {
            let cauchy = 0.5 + t.atan() / PI;
            assert!((cdf(t, 1.0) - cauchy).abs() < 1e-12, "{t}");
            let two = 0.5 + t / (2.0 * 2.0_f64.sqrt() * (1.0 + t * t / 2.0).sqrt());
            assert!((cdf(t, 2.0) - two).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn degrees_of_a_sum_lie_between_the_smaller_and_the_sum() {
        assert!((welch_satterthwaite(&[(1.0, 9.0), (1.0, 9.0)]) - 18.0).abs() < 1e-12);
        assert!((welch_satterthwaite(&[(1.0, 4.0), (0.0, 30.0)]) - 4.0).abs() < 1e-12);
        let known = welch_satterthwaite(&[(1.0, 4.0), (1.0, f64::INFINITY)]);
        assert!((known - 16.0).abs() < 1e-12);
        assert!(welch_satterthwaite(&[]).is_infinite());
    }

    proptest! {
        #[test]
        fn the_quantile_undoes_the_distribution_function(p in 0.0005_f64..0.9995, df in 1.0_f64..500.0) {
            prop_assert!((cdf(quantile(p, df), df) - p).abs() < 1e-9);
        }

        #[test]
        fn tails_are_heavier_than_normal_and_grow_lighter_with_df(p in 0.6_f64..0.999, df in 1.0_f64..200.0) {
            let t = quantile(p, df);
            prop_assert!(t > normal::quantile(p) && t > quantile(p, df + 1.0));
        }

        #[test]
        fn many_degrees_meet_the_normal_without_a_step(z in -4.0_f64..4.0) {
            prop_assert!((cdf(z, MANY * 0.99) - normal::cdf(z)).abs() < 1e-6);
        }
    }
}
