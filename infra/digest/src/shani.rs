//! Both functions in one loop of x86-64 SHA instructions.
//!
//! One instruction does two rounds of SHA-256 or four of SHA-1, and its result is ready only some cycles later. Each
//! function alone waits for its own results; here the rounds of both alternate, sixteen groups of four rounds of
//! SHA-256 among twenty groups of SHA-1, and one works while the other waits.
//! `tests/speed.rs` holds the gain.
//!
//! The steps are those of Intel's "SHA Extensions: New Instructions Supporting the Secure Hash Algorithm" (2013).

#![expect(clippy::many_single_char_names, reason = "the standard calls the variables a to h")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x, _mm_setr_epi32,
    _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
    _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_xor_si128,
};

use crate::engine::{BLOCK_BYTES, Chain};

/// The proof that this processor has the instructions: only [`ShaNi::detect`] makes one.
#[derive(Clone, Copy)]
pub(crate) struct ShaNi(());

impl ShaNi {
    /// Asks the processor; the standard library remembers the answer.
    pub(crate) fn detect() -> Option<Self> {
        let present = is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1");
        present.then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "the instructions exist only on some processors")]
    #[expect(clippy::unused_self, reason = "`self` is the proof that they exist here")]
    pub(crate) fn compress(self, chain: &mut Chain, blocks: &[[u8; BLOCK_BYTES]]) {
        // SAFETY: `self` exists, so `detect` has found every feature that `compress` enables.
        unsafe { compress(chain, blocks) }
    }
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress(chain: &mut Chain, blocks: &[[u8; BLOCK_BYTES]]) {
    let mut sha256 = Sha256::load(chain.sha256);
    let mut sha1 = Sha1::load(chain.sha1);
    for block in blocks {
        let words = load_words(block);
        let mut fused = Fused { sha256, sha1, sha256_words: words, sha1_words: reversed(words) };
        fused.quarter::<0>();
        fused.quarter::<1>();
        fused.quarter::<2>();
        fused.quarter::<3>();
        sha256 = sha256.plus(fused.sha256);
        sha1 = sha1.plus(fused.sha1);
    }
    chain.sha256 = sha256.store();
    chain.sha1 = sha1.store();
}

/// Both functions in the middle of one block.
struct Fused {
    sha256: Sha256,
    sha1: Sha1,
    /// The last sixteen words of each message schedule, four to a register.
    sha256_words: [__m128i; 4],
    sha1_words: [__m128i; 4],
}

impl Fused {
    /// Sixteen of the 64 rounds of SHA-256 and, among them, twenty of the 80 of SHA-1: those with one logical function.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn quarter<const QUARTER: i32>(&mut self) {
        let quarter = QUARTER.cast_unsigned() as usize;
        for step in 0..4 {
            self.sha256.four_rounds(4 * quarter + step, &mut self.sha256_words);
            self.sha1.four_rounds::<QUARTER>(5 * quarter + step, &mut self.sha1_words);
        }
        self.sha1.four_rounds::<QUARTER>(5 * quarter + 4, &mut self.sha1_words);
    }
}

/// The variables of SHA-256 in the order that the instructions want, the first named in the highest lane.
#[derive(Clone, Copy)]
struct Sha256 {
    abef: __m128i,
    cdgh: __m128i,
}

impl Sha256 {
    /// Rounds `4 * group` to `4 * group + 3`.
    #[inline]
    #[target_feature(enable = "sha,ssse3")]
    fn four_rounds(&mut self, group: usize, words: &mut [__m128i; 4]) {
        let [oldest, second, third, newest] = by_age(words, group);
        let word = if group < 4 {
            oldest
        } else {
            let sum = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), _mm_alignr_epi8(newest, third, 4));
            _mm_sha256msg2_epu32(sum, newest)
        };
        words[group % 4] = word;

        let low = _mm_add_epi32(word, constants(group));
        let high = _mm_shuffle_epi32(low, 0b00_00_11_10);
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, low);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, high);
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn plus(self, other: Self) -> Self {
        Self { abef: _mm_add_epi32(self.abef, other.abef), cdgh: _mm_add_epi32(self.cdgh, other.cdgh) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(chain: [u32; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = chain.map(u32::cast_signed);
        Self { abef: _mm_set_epi32(a, b, e, f), cdgh: _mm_set_epi32(c, d, g, h) }
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn store(self) -> [u32; 8] {
        let [a, b, e, f] = lanes(self.abef);
        let [c, d, g, h] = lanes(self.cdgh);
        [a, b, c, d, e, f, g, h]
    }
}

/// The variables of SHA-1, the first named in the highest lane.
#[derive(Clone, Copy)]
struct Sha1 {
    abcd: __m128i,
    /// Between blocks `e` alone, in the highest lane. Within a block `abcd` as it was four rounds ago: `e` is the `a` of
    /// that time rotated, which the next instruction does on its way.
    e: __m128i,
}

impl Sha1 {
    /// Rounds `4 * group` to `4 * group + 3`, of which `FUNCTION` is the logical function and the constant.
    #[inline]
    #[target_feature(enable = "sha")]
    fn four_rounds<const FUNCTION: i32>(&mut self, group: usize, words: &mut [__m128i; 4]) {
        let [oldest, second, third, newest] = by_age(words, group);
        let word =
            if group < 4 { oldest } else { _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(oldest, second), third), newest) };
        words[group % 4] = word;

        let word_and_e = if group == 0 { _mm_add_epi32(self.e, word) } else { _mm_sha1nexte_epu32(self.e, word) };
        self.e = self.abcd;
        self.abcd = _mm_sha1rnds4_epu32(self.abcd, word_and_e, FUNCTION);
    }

    /// The sum at the end of a block: `self` is the state before it, `after` the state within.
    #[inline]
    #[target_feature(enable = "sha")]
    fn plus(self, after: Self) -> Self {
        Self { abcd: _mm_add_epi32(self.abcd, after.abcd), e: _mm_sha1nexte_epu32(after.e, self.e) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(chain: [u32; 5]) -> Self {
        let [a, b, c, d, e] = chain.map(u32::cast_signed);
        Self { abcd: _mm_set_epi32(a, b, c, d), e: _mm_set_epi32(e, 0, 0, 0) }
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn store(self) -> [u32; 5] {
        let [a, b, c, d] = lanes(self.abcd);
        let [e, ..] = lanes(self.e);
        [a, b, c, d, e]
    }
}

/// The schedule's registers from the oldest to the newest; the group's own words take the place of the oldest.
#[inline]
#[target_feature(enable = "sse2")]
fn by_age(words: &[__m128i; 4], group: usize) -> [__m128i; 4] {
    [words[group % 4], words[(group + 1) % 4], words[(group + 2) % 4], words[(group + 3) % 4]]
}

/// The block's sixteen big-endian words, four to a register, the first in the lowest lane as SHA-256 wants them.
#[inline]
#[target_feature(enable = "ssse3")]
fn load_words(block: &[u8; BLOCK_BYTES]) -> [__m128i; 4] {
    let (quarters, _) = block.as_chunks();
    [load_four(&quarters[0]), load_four(&quarters[1]), load_four(&quarters[2]), load_four(&quarters[3])]
}

#[inline]
#[target_feature(enable = "ssse3")]
#[expect(unsafe_code, reason = "a load through a pointer, which needs no alignment")]
fn load_four(words: &[u8; 16]) -> __m128i {
    let swap_bytes = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // SAFETY: `words` is 16 readable bytes, and this load takes them at any address.
    let words = unsafe { _mm_loadu_si128(words.as_ptr().cast()) };
    _mm_shuffle_epi8(words, swap_bytes)
}

/// The same words with the first of each register in the highest lane, as SHA-1 wants them.
#[inline]
#[target_feature(enable = "sse2")]
fn reversed([first, second, third, fourth]: [__m128i; 4]) -> [__m128i; 4] {
    [
        _mm_shuffle_epi32(first, 0b00_01_10_11),
        _mm_shuffle_epi32(second, 0b00_01_10_11),
        _mm_shuffle_epi32(third, 0b00_01_10_11),
        _mm_shuffle_epi32(fourth, 0b00_01_10_11),
    ]
}

/// The lanes from the highest to the lowest.
#[inline]
#[target_feature(enable = "sse4.1")]
fn lanes(register: __m128i) -> [u32; 4] {
    [_mm_extract_epi32(register, 3), _mm_extract_epi32(register, 2), _mm_extract_epi32(register, 1), _mm_extract_epi32(register, 0)]
        .map(i32::cast_unsigned)
}

/// The constants of four rounds of SHA-256, the first in the lowest lane.
#[inline]
#[target_feature(enable = "sse2")]
fn constants(group: usize) -> __m128i {
    // Word by word: `map` on the array became a real call in a build of three codegen units, 356 MB/s instead of 1510.
    let [first, second, third, fourth] = K[group];
    _mm_setr_epi32(first.cast_signed(), second.cast_signed(), third.cast_signed(), fourth.cast_signed())
}

/// FIPS 180-4, section 4.2.2, four constants to a group.
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];
