package dev.gantry.images;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * The name of a content by its hash, {@code sha256:…} or {@code sha512:…}. A digest that exists is well formed, so it may
 * be used as a file name.
 *
 * @param algorithm {@code sha256} or {@code sha512}
 * @param hex the hash in lower-case hexadecimal digits: 64 or 128
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests">OCI digests</a>
 */
public record Digest(String algorithm, String hex) implements Comparable<Digest> {
    public static final String SHA256 = "sha256";
    public static final String SHA512 = "sha512";

    public Digest {
        int expected = switch (algorithm) {
            case SHA256 -> 64;
            case SHA512 -> 128;
            default ->
                throw new IllegalArgumentException(
                        "digest algorithm '" + Quoted.cut(algorithm) + "' is not one of sha256, sha512");
        };
        if (hex.length() != expected || !isLowerHex(hex)) {
            throw new IllegalArgumentException("digest '" + Quoted.cut(algorithm + ":" + hex) + "' has not " + expected
                    + " lower-case hexadecimal digits");
        }
    }

    /**
     * Reads {@code algorithm:hex}.
     *
     * @throws IllegalArgumentException if the text is anything else
     */
    public static Digest parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("digest '" + Quoted.cut(text) + "' is not algorithm:hex");
        }
        return new Digest(text.substring(0, colon), text.substring(colon + 1));
    }

    /** The sha256 digest of these bytes. */
    public static Digest of(byte[] content) {
        return finish(SHA256, hasher(SHA256).digest(content));
    }

    /** The digest of these bytes by the given algorithm. */
    public static Digest of(String algorithm, byte[] content) {
        return finish(algorithm, hasher(algorithm).digest(content));
    }

    /** A digest from the result of {@link #hasher}. */
    public static Digest finish(String algorithm, byte[] hash) {
        return new Digest(algorithm, HexFormat.of().formatHex(hash));
    }

    /** A running hash of this algorithm. */
    public static MessageDigest hasher(String algorithm) {
        try {
            return MessageDigest.getInstance(
                    switch (algorithm) {
                        case SHA256 -> "SHA-256";
                        case SHA512 -> "SHA-512";
                        default ->
                            throw new IllegalArgumentException(
                                    "digest algorithm '" + Quoted.cut(algorithm) + "' is not one of sha256, sha512");
                    });
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JVM lacks " + algorithm.toUpperCase(Locale.ROOT), e);
        }
    }

    /** A running hash to verify content of this digest. */
    public MessageDigest hasher() {
        return hasher(algorithm);
    }

    /** The first twelve digits, for people. */
    public String shortHex() {
        return hex.substring(0, 12);
    }

    @Override
    public int compareTo(Digest other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        return algorithm + ":" + hex;
    }

    private static boolean isLowerHex(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
                return false;
            }
        }
        return true;
    }
}
