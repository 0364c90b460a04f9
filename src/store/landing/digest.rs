//! A 128-bit digest that is the same on every machine and in every version: MurmurHash3 x64 128 with seed 0
//! (Austin Appleby, public domain). Not for secrets.

pub fn digest128(data: &[u8]) -> u128 {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let (mut h1, mut h2) = (0_u64, 0_u64);
    let mut blocks = data.chunks_exact(16);
    for block in &mut blocks {
        h1 ^= word(&block[..8]).wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= word(&block[8..]).wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let tail = blocks.remainder();
    if tail.len() > 8 {
        h2 ^= word(&tail[8..]).wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    }
    if !tail.is_empty() {
        h1 ^= word(&tail[..tail.len().min(8)]).wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    }
    h1 ^= data.len() as u64;
    h2 ^= data.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = mix(h1);
    h2 = mix(h2);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    u128::from(h2) << 64 | u128::from(h1)
}

/// Up to eight bytes, little endian.
fn word(bytes: &[u8]) -> u64 {
    let mut padded = [0_u8; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(padded)
}

fn mix(mut k: u64) -> u64 {
    k ^= k >> 33;
    k = k.wrapping_mul(0xff51_afd7_ed55_8ccd);
    k ^= k >> 33;
    k = k.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        // SMHasher's reference values, low half first.
        assert_eq!(digest128(b""), 0);
        assert_eq!(digest128(b"hello") as u64, 0xcbd8_a7b3_41bd_9b02);
        assert_eq!((digest128(b"hello") >> 64) as u64, 0x5b1e_906a_48ae_1d19);
        let text = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(digest128(text) as u64, 0xe34b_bc7b_bc07_1b6c);
        assert_eq!((digest128(text) >> 64) as u64, 0x7a43_3ca9_c49a_9347);
    }
}
