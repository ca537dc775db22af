package dev.gantry.agent.pod;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The runtime's version as nodes show it: as the kubelet's version package writes what it has read. */
final class RuntimeVersion {
    private static final Pattern NUMBERS = Pattern.compile("\\s*v?(\\d+(?:\\.\\d+)+)(.*)", Pattern.DOTALL);
    private static final Pattern SEMANTIC = Pattern.compile("\\d+\\.\\d+\\.\\d+");
    private static final Pattern MORE = Pattern.compile("((?:-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?)\\s*");

    private RuntimeVersion() {}

    /**
     * Without {@code v} in front; what follows the numbers stays only where all of it is a semantic version.
     *
     * @param told by the runtime: {@code v1.7.24}, {@code 1.6.20~ds1}; what is no version comes back as it is
     */
    static String shown(String told) {
        Matcher numbers = NUMBERS.matcher(told);
        if (!numbers.matches()) {
            return told;
        }
        Matcher more = MORE.matcher(numbers.group(2));
        return SEMANTIC.matcher(numbers.group(1)).matches() && more.matches()
                ? numbers.group(1) + more.group(1)
                : numbers.group(1);
    }
}
