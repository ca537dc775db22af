package dev.gantry.staticpods;

import java.nio.charset.StandardCharsets;

/**
 * The 128-bit FNV-1a hash. Names content, as the kubelet's uids of static pods do; it resists no attacker, and needs
 * none: who writes manifests already owns the node.
 *
 * @see <a href="https://datatracker.ietf.org/doc/html/draft-eastlake-fnv">The FNV Non-Cryptographic Hash Algorithm</a>
 */
final class Fnv128 {
    /** The prime is 2^88 + 0x13b. */
    private static final long PRIME_LOW = 0x13b;

    private static final int PRIME_SHIFT = 88 - 64;

    private long high = 0x6c62272e07bb0142L;
    private long low = 0x62b821756295c58dL;

    Fnv128 add(String text) {
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            low ^= b & 0xff;
            long carry = Math.multiplyHigh(low, PRIME_LOW) + ((low >> 63) & PRIME_LOW);
            high = high * PRIME_LOW + carry + (low << PRIME_SHIFT);
            low *= PRIME_LOW;
        }
        return this;
    }

    /** 32 hexadecimal digits. */
    String hex() {
        return String.format("%016x%016x", high, low);
    }
}
