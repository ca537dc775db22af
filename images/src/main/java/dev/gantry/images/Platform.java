package dev.gantry.images;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * What an image was built for.
 *
 * @param os e.g. {@code linux}
 * @param architecture as Go spells it: {@code amd64}, {@code arm64}, {@code arm}, {@code 386} …
 * @param variant e.g. {@code v7}; empty when there is none
 */
public record Platform(String os, String architecture, String variant) {
    private static final Set<String> NEWEST_ARM64 = Set.of("", "v8");

    public Platform {
        os = os.toLowerCase(Locale.ROOT);
        String given = architecture.toLowerCase(Locale.ROOT);
        String v = variant.toLowerCase(Locale.ROOT);
        architecture = switch (given) {
            case "x86_64", "x86-64" -> "amd64";
            case "aarch64" -> "arm64";
            case "i386", "i486", "i586", "i686", "x86" -> "386";
            case "armhf" -> "arm";
            case "armel" -> "arm";
            default -> given;
        };
        if (given.equals("armhf") && v.isEmpty()) {
            v = "v7";
        } else if (given.equals("armel") && v.isEmpty()) {
            v = "v6";
        }
        if (!v.isEmpty() && Character.isDigit(v.charAt(0))) {
            v = "v" + v;
        }
        variant = switch (architecture) {
            case "arm64" -> v.equals("v8.0") || v.isEmpty() ? "v8" : v;
            case "arm" -> v.isEmpty() ? "v7" : v;
            case "amd64" -> v.equals("v1") ? "" : v;
            default -> v;
        };
    }

    /** Reads {@code os/architecture[/variant]}. */
    public static Platform parse(String text) {
        String[] parts = text.split("/", -1);
        if (parts.length < 2 || parts.length > 3 || List.of(parts).contains("")) {
            throw new IllegalArgumentException(
                    "platform '" + Quoted.cut(text) + "' is not os/architecture[/variant], e.g. linux/arm64/v8");
        }
        return new Platform(parts[0], parts[1], parts.length == 3 ? parts[2] : "");
    }

    /** The platform of this JVM's machine. */
    public static Platform host() {
        return new Platform("linux", Objects.requireNonNull(System.getProperty("os.arch")), "");
    }

    /**
     * The platforms whose programs run here, the best first. They follow the fallbacks that containerd uses: an amd64
     * level runs all lower ones and 386, arm64 v9.x runs lower minors, v8.(x+5) and below, and 32-bit arm.
     */
    public List<Platform> runnable() {
        List<Platform> result = new ArrayList<>();
        switch (architecture) {
            case "amd64" -> {
                for (int level = amd64Level(variant); level >= 2; level--) {
                    result.add(new Platform(os, "amd64", "v" + level));
                }
                result.add(new Platform(os, "amd64", ""));
                result.add(new Platform(os, "386", ""));
            }
            case "arm64" -> {
                addArm64(result);
                for (int v = 8; v >= 5; v--) {
                    result.add(new Platform(os, "arm", "v" + v));
                }
            }
            case "arm" -> {
                for (int v = number(variant.substring(1), 7); v >= 5; v--) {
                    result.add(new Platform(os, "arm", "v" + v));
                }
            }
            default -> result.add(this);
        }
        return List.copyOf(result);
    }

    private void addArm64(List<Platform> result) {
        if (!variant.startsWith("v8") && !variant.startsWith("v9")) {
            result.add(this);
        }
        int dot = variant.indexOf('.');
        int minor = dot < 0 ? 0 : Math.min(number(variant.substring(dot + 1), 0), 20);
        int lastV8 = variant.startsWith("v9") ? minor + 5 : NEWEST_ARM64.contains(variant) ? 0 : minor;
        if (variant.startsWith("v9")) {
            for (int m = minor; m >= 0; m--) {
                result.add(new Platform(os, "arm64", m == 0 ? "v9" : "v9." + m));
            }
        }
        for (int m = lastV8; m >= 0; m--) {
            result.add(new Platform(os, "arm64", m == 0 ? "v8" : "v8." + m));
        }
    }

    private static int amd64Level(String variant) {
        return variant.isEmpty() ? 1 : Math.min(number(variant.substring(1), 1), 9);
    }

    private static int number(String text, int otherwise) {
        return text.length() == 1 || text.length() == 2 ? parse(text, otherwise) : otherwise;
    }

    private static int parse(String text, int otherwise) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    @Override
    public String toString() {
        return os + "/" + architecture + (variant.isEmpty() ? "" : "/" + variant);
    }
}
