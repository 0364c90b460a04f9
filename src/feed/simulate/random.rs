//! Random draws that are the same on every machine: ChaCha8 for the bits, and logarithm and exponential computed here
//! with the four operations alone, since a platform's math library may differ in the last bit.
//!
//! Not for secrets. Every draw is total: no argument panics.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// e^x by x = k·ln 2 + r, |r| ≤ ln 2 / 2, and the Taylor series of e^r (error below 1e-15).
pub fn exp(x: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    if !(-700.0..=700.0).contains(&x) {
        return if x > 0.0 { f64::MAX } else { 0.0 };
    }
    let k = (x / LN_2).round();
    let r = x - k * LN_2;
    let mut sum = 1.0;
    for n in (1..=16).rev() {
        sum = 1.0 + sum * r / f64::from(n);
    }
    // 2^k straight from its bits; k is within ±1010.
    sum * f64::from_bits(((1023 + k as i64) as u64) << 52)
}

/// ln x for x > 0 by x = 2^k·m, m in [1/√2, √2], and ln m = 2·artanh((m−1)/(m+1)). Zero and below give a large negative.
pub fn ln(x: f64) -> f64 {
    if x <= f64::MIN_POSITIVE {
        return -745.0;
    }
    let bits = x.to_bits();
    let mut k = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    if m > std::f64::consts::SQRT_2 {
        m /= 2.0;
        k += 1;
    }
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let mut sum = 0.0;
    for n in (0..14).rev() {
        sum = 1.0 / f64::from(2 * n + 1) + sum * square;
    }
    2.0 * z * sum + k as f64 * std::f64::consts::LN_2
}

/// The quantile of the standard normal: Acklam's rational approximation (relative error below 1.2e-9).
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * ln(p)).sqrt();
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    if p < 0.024_25 {
        tail(p.max(1e-300))
    } else if p > 1.0 - 0.024_25 {
        -tail((1.0 - p).max(1e-300))
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

/// Weights to draw an index from.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    cumulative: Vec<f64>,
}

impl Weights {
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Weights {
        let mut sum = 0.0;
        let cumulative = weights
            .into_iter()
            .map(|weight| {
                sum += weight.max(0.0);
                sum
            })
            .collect();
        Weights { cumulative }
    }
}

/// A stream of draws. Streams of different (seed, day, purpose) have nothing to do with each other.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64, day: i64, purpose: u64) -> Random {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&day.to_le_bytes());
        key[16..24].copy_from_slice(&purpose.to_le_bytes());
        key[24..].copy_from_slice(b"lingping");
        Random(ChaCha8Rng::from_seed(key))
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// In 0..n; 0 when n is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.unit() + f64::EPSILON / 4.0)
    }

    /// Log-normal by its median; its mean is median · e^(sigma²/2).
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.unit())
    }

    /// Counts: Knuth's product below 30, the rounded normal above.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let limit = exp(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// An index drawn by weight; `None` when there is nothing to draw from.
    pub fn index(&mut self, weights: &Weights) -> Option<usize> {
        let total = *weights.cumulative.last()?;
        let point = self.unit() * total;
        Some(weights.cumulative.partition_point(|sum| *sum <= point).min(weights.cumulative.len() - 1))
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len() as u64) as usize)
    }

    /// One of a few constants by weight; the first when all weights are zero.
    pub fn choose<T: Copy>(&mut self, choices: &[(T, f64)], otherwise: T) -> T {
        let total: f64 = choices.iter().map(|(_, weight)| weight).sum();
        let mut point = self.unit() * total;
        for (choice, weight) in choices {
            point -= weight;
            if point < 0.0 {
                return *choice;
            }
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_logarithm_are_those_of_the_library() {
        for n in -2000..2000 {
            let x = f64::from(n) * 0.037;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
            let y = x.abs() + 1e-3;
            assert!((ln(y) - y.ln()).abs() < 1e-13, "ln {y}");
        }
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        let mut random = Random::new(1, 2, 3);
        let n = 40_000;
        let mean = |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        assert!(mean(&mut || random.normal()).abs() < 0.02);
        let mut random = Random::new(1, 2, 4);
        assert!((mean(&mut || random.log_normal(45.0, 1.07)) / 79.8 - 1.0).abs() < 0.05);
        assert!((mean(&mut || random.exponential(5.0)) / 5.0 - 1.0).abs() < 0.03);
        assert!((mean(&mut || random.poisson(3.0) as f64) / 3.0 - 1.0).abs() < 0.03);
        assert!((mean(&mut || random.poisson(300.0) as f64) / 300.0 - 1.0).abs() < 0.01);
        assert_eq!(random.index(&Weights::default()), None);
        assert_eq!(random.below(0), 0);
    }
}
