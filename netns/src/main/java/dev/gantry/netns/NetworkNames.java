package dev.gantry.netns;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What this agent's things are called in the kernel, so that several agents share a host.
 *
 * @param suffix empty for the agent in the default place, 8 hexadecimal digits for another
 */
public record NetworkNames(String suffix) {
    /** What the pods' interface is called inside, as everywhere in Kubernetes. */
    public static final String POD_INTERFACE = "eth0";

    private static final int SUFFIX_LENGTH = 8;
    /** With {@code veth} in front 15 characters, the longest that the kernel takes. */
    private static final int VETH_DIGITS = 11;

    public NetworkNames {
        if (!suffix.matches("([0-9a-f]{8})?")) {
            throw new IllegalArgumentException("a suffix is empty or 8 hexadecimal digits: '" + suffix + "'");
        }
    }

    /** For an agent whose files lie under {@code root}; {@code standard} is where they usually are. */
    public static NetworkNames forRoot(Path root, Path standard) {
        Path absolute = root.toAbsolutePath().normalize();
        return new NetworkNames(
                absolute.equals(standard.toAbsolutePath().normalize())
                        ? ""
                        : digest(absolute.toString()).substring(0, SUFFIX_LENGTH));
    }

    /** {@code gantry0}. */
    public String bridge() {
        return suffix.isEmpty() ? "gantry0" : "gantry-" + suffix;
    }

    /** The nftables table, {@code gantry}. */
    public String table() {
        return suffix.isEmpty() ? "gantry" : "gantry-" + suffix;
    }

    /** The host's end of a sandbox's veth pair. */
    public String veth(String sandboxId) {
        return "veth" + digest(suffix + "/" + sandboxId).substring(0, VETH_DIGITS);
    }

    /** The group that this agent's interfaces are in while they are deleted together; nobody else's are in it. */
    int removalGroup() {
        return Integer.parseInt(digest("group of " + suffix).substring(0, 6), 16) | 0x67000000;
    }

    private static String digest(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
