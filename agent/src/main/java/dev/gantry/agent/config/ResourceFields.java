package dev.gantry.agent.config;

import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.EvictionThreshold;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.agent.resource.ResourcePolicy.SwapBehavior;
import dev.gantry.agent.rotation.RotationPolicy;
import dev.gantry.staticpods.Quantities;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** Reads the fields about resources, noting what does not fit together. */
final class ResourceFields {
    private static final Set<String> RESERVABLE =
            Set.of(Amounts.CPU, Amounts.MEMORY, Amounts.EPHEMERAL_STORAGE, Amounts.PID);

    private static final List<String> SIGNALS = List.of(
            "memory.available",
            "nodefs.available",
            "nodefs.inodesFree",
            "imagefs.available",
            "imagefs.inodesFree",
            "containerfs.available",
            "containerfs.inodesFree",
            "pid.available");

    /** The kubelet's, of which the first two count for what may be requested. */
    private static final Map<String, String> DEFAULT_EVICTION = Map.of(
            "memory.available", "100Mi",
            "nodefs.available", "10%",
            "nodefs.inodesFree", "5%",
            "imagefs.available", "15%",
            "imagefs.inodesFree", "5%");

    private static final Set<String> ENFORCED = Set.of("none", "pods");

    private static final Set<String> ENFORCED_BY_KUBELET =
            Set.of("system-reserved", "kube-reserved", "system-reserved-compressible", "kube-reserved-compressible");

    private final Settings settings;

    ResourceFields(Settings settings) {
        this.settings = settings;
    }

    ResourceConfig read() {
        return new ResourceConfig(
                policy(),
                reserved("kubeReserved"),
                reserved("systemReserved"),
                evictionHard(),
                (int) number("maxPods", 0, Integer.MAX_VALUE, 110),
                podsPerCore(),
                enforcesPods(),
                logs());
    }

    private ResourcePolicy policy() {
        long period = 1000 * millis("cpuCFSQuotaPeriod", "100ms", 1, 1000, "from 1ms to 1s, as the kernel takes it");
        Map<String, String> gates = gates();
        boolean memoryQos = isTrue(gates, "MemoryQoS");
        return new ResourcePolicy(
                true,
                is("cpuCFSQuota", true),
                period,
                is("singleProcessOOMKill", false),
                memoryQos ? OptionalDouble.of(throttlingFactor()) : OptionalDouble.empty(),
                memoryQos
                        && settings.get("memoryReservationPolicy")
                                .orElse("None")
                                .equals("TieredReservation"),
                settings.get("memorySwap.swapBehavior").orElse("NoSwap").equals("LimitedSwap")
                        ? SwapBehavior.LIMITED_SWAP
                        : SwapBehavior.NO_SWAP,
                podPidsLimit(),
                is("localStorageCapacityIsolation", true));
    }

    private Map<String, String> gates() {
        Map<String, String> gates = settings.map("featureGates");
        gates.forEach((gate, value) -> {
            if (!value.equals("true") && !value.equals("false")) {
                error("featureGates", gate, "expected true or false, found '" + value + "'");
            }
        });
        gates.keySet().stream()
                .filter(gate -> !gate.equals("MemoryQoS") && !gate.equals(RestartConfig.REDUCED_GATE))
                .forEach(gate -> settings.ignored("featureGates", "featureGates." + gate));
        return gates;
    }

    private static boolean isTrue(Map<String, String> gates, String gate) {
        return "true".equals(gates.get(gate));
    }

    private double throttlingFactor() {
        double factor =
                Double.parseDouble(settings.get("memoryThrottlingFactor").orElse("0.9"));
        if (factor <= 0 || factor > 1) {
            error("memoryThrottlingFactor", "", "expected a number above 0 and up to 1, found " + factor);
            return 0.9;
        }
        return factor;
    }

    /** As in the kubelet, -1 stands for no limit. */
    private OptionalLong podPidsLimit() {
        long limit = Long.parseLong(settings.get("podPidsLimit").orElse("-1"));
        if (limit == 0 || limit < -1) {
            error("podPidsLimit", "", "expected a number above 0, or -1 for no limit, found " + limit);
        }
        return limit > 0 ? OptionalLong.of(limit) : OptionalLong.empty();
    }

    private OptionalInt podsPerCore() {
        long pods = number("podsPerCore", 0, Integer.MAX_VALUE, 0);
        return pods == 0 ? OptionalInt.empty() : OptionalInt.of((int) pods);
    }

    private Amounts reserved(String field) {
        Amounts result = Amounts.NONE;
        for (Map.Entry<String, String> entry : settings.map(field).entrySet()) {
            String name = entry.getKey();
            BigDecimal value = Quantities.parse(entry.getValue());
            if (!RESERVABLE.contains(name)) {
                error(field, name, "can not be reserved; expected one of cpu, memory, ephemeral-storage, pid");
            } else if (value == null || value.signum() < 0) {
                error(field, name, "expected an amount like 500m or 1Gi, found '" + entry.getValue() + "'");
            } else {
                Map<String, io.fabric8.kubernetes.api.model.Quantity> one =
                        Map.of(name, Quantities.quantity(entry.getValue()));
                result = result.plus(Amounts.of(one));
            }
        }
        return result;
    }

    /** As in the kubelet, what is set replaces all defaults, unless they are to be merged. */
    private Map<String, EvictionThreshold> evictionHard() {
        Map<String, String> texts = new LinkedHashMap<>();
        if (settings.get("evictionHard").isEmpty() || is("mergeDefaultEvictionSettings", false)) {
            texts.putAll(DEFAULT_EVICTION);
        }
        texts.putAll(settings.map("evictionHard"));
        Map<String, EvictionThreshold> result = new LinkedHashMap<>();
        texts.forEach((signal, text) -> {
            Optional<EvictionThreshold> threshold = EvictionThreshold.parse(text);
            if (!SIGNALS.contains(signal)) {
                error("evictionHard", signal, "unknown signal; expected one of " + String.join(", ", SIGNALS));
            } else if (threshold.isEmpty()) {
                error("evictionHard", signal, "expected an amount like 100Mi or a part like 10%, found '" + text + "'");
            } else {
                result.put(signal, threshold.get());
            }
        });
        return result;
    }

    private boolean enforcesPods() {
        if (settings.get("enforceNodeAllocatable").isEmpty()) {
            return true;
        }
        List<String> values = settings.list("enforceNodeAllocatable");
        for (String value : values) {
            if (ENFORCED_BY_KUBELET.contains(value)) {
                settings.ignored("enforceNodeAllocatable", "enforceNodeAllocatable: " + value);
            } else if (!ENFORCED.contains(value)) {
                error("enforceNodeAllocatable", "", "expected none or pods, found '" + value + "'");
            }
        }
        return values.contains("pods");
    }

    private RotationPolicy logs() {
        String size = settings.get("containerLogMaxSize").orElse("10Mi");
        BigDecimal bytes = Quantities.parse(size);
        long interval = millis("containerLogMonitorInterval", "10s", 3_000, Long.MAX_VALUE / 2, "of 3s or more");
        return new RotationPolicy(
                bytes == null ? 0 : Math.max(0, bytes.longValue()),
                (int) number("containerLogMaxFiles", 2, Integer.MAX_VALUE, 5),
                (int) number("containerLogMaxWorkers", 1, 64, 1),
                Duration.ofMillis(interval));
    }

    private boolean is(String field, boolean otherwise) {
        return settings.get(field).map(value -> value.equals("true")).orElse(otherwise);
    }

    private long number(String field, long least, long most, long otherwise) {
        Optional<String> text = settings.get(field);
        if (text.isEmpty()) {
            return otherwise;
        }
        long value = Long.parseLong(text.get());
        if (value < least || value > most) {
            error(field, "", "expected a whole number from " + least + " to " + most + ", found " + value);
            return otherwise;
        }
        return value;
    }

    private long millis(String field, String otherwise, long least, long most, String expected) {
        String text = settings.get(field).orElse(otherwise);
        long value = Durations.parseMillis(text);
        if (value < least || value > most) {
            error(field, "", "expected a duration " + expected + ", found " + text);
            return Durations.parseMillis(otherwise);
        }
        return value;
    }

    private void error(String field, String key, String message) {
        String path = key.isEmpty() ? field : field + "[" + key + "]";
        settings.error(settings.origin(field), path, message);
    }
}
