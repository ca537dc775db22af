package dev.gantry.agent.probe;

import dev.gantry.agent.cri.Expansion;
import dev.gantry.probes.ProbeAction;
import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeSpec;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.ExecAction;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HTTPHeader;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Probe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From the probes of a manifest to what the prober does. */
public final class ProbeSpecs {
    private static final int DEFAULT_PERIOD = 10;
    private static final int DEFAULT_TIMEOUT = 1;
    private static final int DEFAULT_FAILURES = 3;

    private ProbeSpecs() {}

    /** The container's probe of a kind; null if it has none. */
    static @Nullable Probe probe(Container container, ProbeKind kind) {
        return switch (kind) {
            case LIVENESS -> container.getLivenessProbe();
            case READINESS -> container.getReadinessProbe();
            case STARTUP -> container.getStartupProbe();
        };
    }

    /** Whether the container has a probe of any kind. */
    static boolean hasProbes(Container container) {
        return container.getLivenessProbe() != null
                || container.getReadinessProbe() != null
                || container.getStartupProbe() != null;
    }

    /**
     * What to try, and when.
     *
     * @param containerId for a command
     * @param podIp for the network, where the probe names no host; empty if the pod has none
     * @throws IllegalArgumentException if it cannot be tried, with the reason: a port by a name that the container does not have,
     *     or a pod without an address
     */
    static ProbeSpec spec(
            Container container, ProbeKind kind, Probe probe, ProbeTimings timings, String containerId, String podIp) {
        String name = container.getName();
        return new ProbeSpec(
                action(container, probe, containerId, podIp),
                timings.initialDelay(name, kind, seconds(probe.getInitialDelaySeconds(), 0)),
                timings.period(name, kind, seconds(probe.getPeriodSeconds(), DEFAULT_PERIOD)),
                timings.timeout(name, kind, seconds(probe.getTimeoutSeconds(), DEFAULT_TIMEOUT)),
                orDefault(probe.getSuccessThreshold(), 1),
                orDefault(probe.getFailureThreshold(), DEFAULT_FAILURES));
    }

    private static ProbeAction action(Container container, Probe probe, String containerId, String podIp) {
        if (probe.getExec() != null) {
            return new ProbeAction.Exec(containerId, command(container, probe.getExec()));
        }
        if (probe.getHttpGet() != null) {
            return http(container, probe.getHttpGet(), podIp);
        }
        if (probe.getTcpSocket() != null) {
            return new ProbeAction.TcpSocket(
                    hostOr(probe.getTcpSocket().getHost(), podIp),
                    port(container, probe.getTcpSocket().getPort()));
        }
        if (probe.getGrpc() != null) {
            String service = probe.getGrpc().getService();
            return new ProbeAction.Grpc(hostOr("", podIp), probe.getGrpc().getPort(), service == null ? "" : service);
        }
        throw new IllegalArgumentException("the probe says neither exec, httpGet, tcpSocket nor grpc");
    }

    /** As the kubelet: with the variables whose values the container's {@code env} says itself, unlike a hook's command. */
    private static List<String> command(Container container, ExecAction exec) {
        Map<String, String> variables = new HashMap<>();
        for (EnvVar variable : container.getEnv() == null ? List.<EnvVar>of() : container.getEnv()) {
            variables.put(variable.getName(), variable.getValue() == null ? "" : variable.getValue());
        }
        return exec.getCommand().stream()
                .map(word -> Expansion.expand(word, variables))
                .toList();
    }

    /** Also of a hook. */
    public static ProbeAction.HttpGet http(Container container, HTTPGetAction get, String podIp) {
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        for (HTTPHeader header : get.getHttpHeaders() == null ? List.<HTTPHeader>of() : get.getHttpHeaders()) {
            headers.add(Map.entry(header.getName(), header.getValue() == null ? "" : header.getValue()));
        }
        String path = get.getPath();
        return new ProbeAction.HttpGet(
                "HTTPS".equalsIgnoreCase(get.getScheme()),
                hostOr(get.getHost(), podIp),
                port(container, get.getPort()),
                path == null || path.isEmpty() ? "/" : path,
                headers);
    }

    private static String hostOr(@Nullable String host, String podIp) {
        if (host != null && !host.isEmpty()) {
            return host;
        }
        if (podIp.isEmpty()) {
            throw new IllegalArgumentException(
                    "the pod has no address to connect to; use exec, or connect pods by another --network than none");
        }
        return podIp;
    }

    private static int port(Container container, IntOrString port) {
        if (port.getIntVal() != null) {
            return port.getIntVal();
        }
        List<ContainerPort> ports = container.getPorts() == null ? List.of() : container.getPorts();
        Optional<Integer> named = ports.stream()
                .filter(one -> port.getStrVal().equals(one.getName()))
                .map(ContainerPort::getContainerPort)
                .findFirst();
        if (named.isPresent()) {
            return named.get();
        }
        try {
            return Integer.parseInt(port.getStrVal());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "couldn't find port \"" + port.getStrVal() + "\" among the ports of container "
                            + container.getName(),
                    e);
        }
    }

    private static Duration seconds(@Nullable Integer value, int otherwise) {
        return Duration.ofSeconds(orDefault(value, otherwise));
    }

    /** The API reads 0 as "not said". */
    private static int orDefault(@Nullable Integer value, int otherwise) {
        return value == null || value == 0 ? otherwise : value;
    }
}
