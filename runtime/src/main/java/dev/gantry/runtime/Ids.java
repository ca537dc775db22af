package dev.gantry.runtime;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Ids of sandboxes and containers: 64 hexadecimal digits, as every tool around CRI expects. */
final class Ids {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Ids() {}

    static String random() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** For things that live within a container, short enough for pause. */
    static String shortRandom() {
        byte[] bytes = new byte[8];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
