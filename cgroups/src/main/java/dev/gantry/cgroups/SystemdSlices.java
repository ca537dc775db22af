package dev.gantry.cgroups;

import dev.gantry.linux.HelperProgram;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Transient slices of systemd's, by its {@code busctl}: as runc's systemd driver makes them.
 *
 * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html">the interface of systemd</a>
 */
public final class SystemdSlices implements SliceManager {
    private static final String SUFFIX = ".slice";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** The greatest of 64 bits. */
    private static final String INFINITY = "18446744073709551615";

    /** systemd counts in these. */
    private static final long QUOTA_STEP_MICROS = 10_000;

    private static final Map<String, String> PROPERTIES = Map.of(
            "cpu.weight", "CPUWeight",
            "memory.max", "MemoryMax",
            "memory.high", "MemoryHigh",
            "memory.low", "MemoryLow",
            "memory.min", "MemoryMin",
            "memory.swap.max", "MemorySwapMax",
            "pids.max", "TasksMax");

    private final Bus bus;

    /** Of this machine. */
    public SystemdSlices() {
        this(new Busctl());
    }

    SystemdSlices(Bus bus) {
        this.bus = bus;
    }

    /** The bus that systemd's manager is on. */
    interface Bus {
        /** Calls a method of the manager; what it refuses is told in its words. */
        void call(String method, List<String> arguments) throws CgroupException;
    }

    @Override
    public void apply(String path, CgroupResources resources) throws CgroupException {
        String unit = unit(path);
        Map<String, String> properties = properties(resources);
        try {
            bus.call("StartTransientUnit", start(unit, properties));
        } catch (CgroupException e) {
            if (!isThere(e)) {
                throw e;
            }
            if (!properties.isEmpty()) {
                bus.call("SetUnitProperties", set(unit, properties));
            }
        }
    }

    @Override
    public void remove(String path) throws CgroupException {
        try {
            bus.call("StopUnit", List.of("ss", unit(path), "replace"));
        } catch (CgroupException e) {
            if (!String.valueOf(e.getMessage()).contains("not loaded")) {
                throw e;
            }
        }
    }

    private static boolean isThere(CgroupException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("already exists") || message.contains("already loaded");
    }

    private static String unit(String path) throws CgroupException {
        String unit = path.substring(path.lastIndexOf('/') + 1);
        if (!unit.endsWith(SUFFIX)) {
            throw new CgroupException(
                    "cgroup %s: systemd keeps slices only, whose names end in .slice".formatted(path), null);
        }
        return unit;
    }

    private static List<String> start(String unit, Map<String, String> properties) {
        List<String> words = new ArrayList<>(List.of("ssa(sv)a(sa(sv))", unit, "replace"));
        words.add(Integer.toString(properties.size() + 1));
        words.addAll(List.of("Description", "s", "Pods of Kubernetes, " + unit));
        add(words, properties);
        words.add("0");
        return words;
    }

    private static List<String> set(String unit, Map<String, String> properties) {
        List<String> words = new ArrayList<>(List.of("sba(sv)", unit, "true", Integer.toString(properties.size())));
        add(words, properties);
        return words;
    }

    private static void add(List<String> words, Map<String, String> properties) {
        properties.forEach((name, value) -> words.addAll(List.of(name, "t", value)));
    }

    /** What systemd knows of the limits, all of them numbers; the rest it leaves alone. */
    static Map<String, String> properties(CgroupResources resources) {
        Map<String, String> properties = new TreeMap<>();
        for (CgroupWrite write : resources.writes()) {
            String name = PROPERTIES.get(write.file());
            if (name != null) {
                properties.put(name, number(write.value()));
            } else if (write.file().equals("cpu.max")) {
                String[] words = write.value().split(" ", -1);
                properties.put("CPUQuotaPerSecUSec", quotaPerSecond(words[0], Long.parseLong(words[1])));
                properties.put("CPUQuotaPeriodUSec", words[1]);
            }
        }
        return properties;
    }

    private static String number(String value) {
        return value.equals("max") ? INFINITY : value;
    }

    private static String quotaPerSecond(String quota, long period) {
        if (quota.equals("max")) {
            return INFINITY;
        }
        long micros = Long.parseLong(quota) * 1_000_000 / period;
        return Long.toString((micros + QUOTA_STEP_MICROS - 1) / QUOTA_STEP_MICROS * QUOTA_STEP_MICROS);
    }

    /** The program that comes with systemd. */
    private static final class Busctl implements Bus {
        @Override
        public void call(String method, List<String> arguments) throws CgroupException {
            List<String> command = new ArrayList<>(List.of(
                    "busctl",
                    "--quiet",
                    "call",
                    "org.freedesktop.systemd1",
                    "/org/freedesktop/systemd1",
                    "org.freedesktop.systemd1.Manager",
                    method));
            command.addAll(arguments);
            String what = "%s %s of systemd".formatted(method, arguments.get(1));
            HelperProgram.Result result;
            try {
                result = HelperProgram.run(command, PATIENCE);
            } catch (IOException e) {
                throw new CgroupException(what + ": cannot run busctl, which comes with systemd: " + e.getMessage(), e);
            }
            if (result.exitStatus() != 0) {
                throw new CgroupException(what + ": " + result.output(), null);
            }
        }
    }
}
