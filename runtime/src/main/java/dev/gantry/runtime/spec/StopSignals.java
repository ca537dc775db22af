package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.Signal;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** CRI numbers signals alphabetically, the kernel by history: names are what they share. */
public final class StopSignals {
    private static final String PREFIX = "SIGNAL_";

    private static final Map<Signal, Integer> NUMBERS = Stream.of(Signal.values())
            .filter(signal -> signal != Signal.SIGNAL_RUNTIME_DEFAULT && signal != Signal.UNRECOGNIZED)
            .collect(Collectors.toUnmodifiableMap(signal -> signal, StopSignals::parse));

    private StopSignals() {}

    /**
     * The signal that stops a container: the request's, else the image's, else SIGTERM.
     *
     * @param imageSignal name or number, or empty
     */
    public static int of(Signal request, String imageSignal) throws SpecException {
        if (request == Signal.UNRECOGNIZED) {
            throw SpecException.invalid("stop_signal: unknown value");
        }
        if (request != Signal.SIGNAL_RUNTIME_DEFAULT) {
            return number(request);
        }
        if (imageSignal.isEmpty()) {
            return dev.gantry.linux.Signal.SIGTERM;
        }
        OptionalInt number = dev.gantry.linux.Signal.parse(imageSignal);
        return number.orElseThrow(() -> SpecException.invalid("image stop signal '%s': no such signal", imageSignal));
    }

    /** The kernel's number of CRI's signal. */
    static int number(Signal signal) {
        Integer number = NUMBERS.get(signal);
        if (number == null) {
            throw new IllegalArgumentException("%s has no number".formatted(signal));
        }
        return number;
    }

    /** CRI's signal of the kernel's number, {@code SIGNAL_RUNTIME_DEFAULT} if it has none. */
    public static Signal of(int number) {
        for (Map.Entry<Signal, Integer> entry : NUMBERS.entrySet()) {
            if (entry.getValue() == number && !ALIASES.contains(entry.getKey())) {
                return entry.getKey();
            }
        }
        return Signal.SIGNAL_RUNTIME_DEFAULT;
    }

    /** Second names for a number; the first is reported. */
    private static final java.util.Set<Signal> ALIASES =
            java.util.Set.of(Signal.SIGNAL_SIGCLD, Signal.SIGNAL_SIGIOT, Signal.SIGNAL_SIGPOLL);

    private static int parse(Signal signal) {
        String name = signal.name()
                .substring(PREFIX.length())
                .replace("SIGRTMINPLUS", "SIGRTMIN+")
                .replace("SIGRTMAXMINUS", "SIGRTMAX-");
        return dev.gantry.linux.Signal.parse(name)
                .orElseThrow(() -> new IllegalStateException("CRI signal %s has no Linux number".formatted(signal)));
    }
}
