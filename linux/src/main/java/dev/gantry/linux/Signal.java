package dev.gantry.linux;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/** Signals by name and number; asm-generic/signal.h, the same on x86-64 and arm64. */
public final class Signal {
    public static final int SIGHUP = 1;
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGABRT = 6;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGSEGV = 11;
    public static final int SIGUSR2 = 12;
    public static final int SIGPIPE = 13;
    public static final int SIGALRM = 14;
    public static final int SIGTERM = 15;
    public static final int SIGCHLD = 17;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGWINCH = 28;
    /** As the C library counts: it keeps the kernel's first two to itself. */
    public static final int SIGRTMIN = 34;

    public static final int SIGRTMAX = 64;

    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");

    private Signal() {}

    /** {@code SIGTERM}, {@code term}, {@code 15}, {@code SIGRTMIN+3}, {@code RTMAX-1}; empty for anything else. */
    public static OptionalInt parse(String text) {
        String name = text.toUpperCase(Locale.ROOT);
        if (name.matches("[0-9]{1,2}")) {
            return inRange(Integer.parseInt(name));
        }
        String bare = name.startsWith("SIG") ? name.substring(3) : name;
        if (bare.matches("RTMIN(\\+[0-9]{1,2})?")) {
            return realTime(SIGRTMIN + offset(bare));
        }
        if (bare.matches("RTMAX(-[0-9]{1,2})?")) {
            return realTime(SIGRTMAX - offset(bare));
        }
        int index = NAMES.indexOf(
                switch (bare) {
                    case "IOT" -> "ABRT";
                    case "CLD" -> "CHLD";
                    case "POLL" -> "IO";
                    default -> bare;
                });
        return index < 0 ? OptionalInt.empty() : OptionalInt.of(index + 1);
    }

    /** {@code SIGTERM}, {@code SIGRTMIN+3}; {@code signal 99} for a number that is none. */
    public static String name(int number) {
        if (number >= 1 && number <= NAMES.size()) {
            return "SIG" + NAMES.get(number - 1);
        }
        if (number >= SIGRTMIN && number <= SIGRTMAX) {
            return number == SIGRTMIN ? "SIGRTMIN" : "SIGRTMIN+" + (number - SIGRTMIN);
        }
        return "signal " + number;
    }

    private static int offset(String realTime) {
        return realTime.length() > 6 ? Integer.parseInt(realTime.substring(6)) : 0;
    }

    private static OptionalInt realTime(int number) {
        return number >= SIGRTMIN && number <= SIGRTMAX ? OptionalInt.of(number) : OptionalInt.empty();
    }

    private static OptionalInt inRange(int number) {
        return number >= 1 && number <= SIGRTMAX ? OptionalInt.of(number) : OptionalInt.empty();
    }
}
