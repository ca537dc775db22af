package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HTTPHeader;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Lifecycle;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Probes and lifecycle hooks of a container. */
final class HandlerValidation {
    private static final int DELETE = 0x7f;

    /** Of Linux, as the API and CRI name them. */
    private static final List<String> STOP_SIGNALS = Stream.of(
                    Stream.of(("SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT"
                                    + " SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS"
                                    + " SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM"
                                    + " SIGWINCH SIGXCPU SIGXFSZ SIGRTMIN SIGRTMAX")
                            .split(" ")),
                    IntStream.rangeClosed(1, 15).mapToObj(i -> "SIGRTMIN+" + i),
                    IntStream.rangeClosed(1, 14).mapToObj(i -> "SIGRTMAX-" + i))
            .flatMap(names -> names)
            .toList();

    private final FieldErrors errors;
    private final PodSpec spec;

    HandlerValidation(FieldErrors errors, PodSpec spec) {
        this.errors = errors;
        this.spec = spec;
    }

    void probe(String path, @Nullable Probe probe, boolean initContainer, boolean successIsOne) {
        if (probe == null) {
            return;
        }
        if (initContainer) {
            errors.add(FieldError.forbidden(path, "may not be set for init containers without restartPolicy=Always"));
            return;
        }
        errors.notNegative(path + ".initialDelaySeconds", probe.getInitialDelaySeconds());
        errors.notNegative(path + ".timeoutSeconds", probe.getTimeoutSeconds());
        errors.notNegative(path + ".periodSeconds", probe.getPeriodSeconds());
        errors.notNegative(path + ".successThreshold", probe.getSuccessThreshold());
        errors.notNegative(path + ".failureThreshold", probe.getFailureThreshold());
        if (successIsOne && probe.getSuccessThreshold() != null && probe.getSuccessThreshold() != 1) {
            errors.invalid(path + ".successThreshold", probe.getSuccessThreshold(), "must be 1");
        }
        if (probe.getTerminationGracePeriodSeconds() != null) {
            if (!successIsOne) {
                errors.invalid(
                        path + ".terminationGracePeriodSeconds",
                        probe.getTerminationGracePeriodSeconds(),
                        "must not be set for readinessProbes");
            } else if (probe.getTerminationGracePeriodSeconds() < 1) {
                errors.invalid(
                        path + ".terminationGracePeriodSeconds",
                        probe.getTerminationGracePeriodSeconds(),
                        "must be greater than 0");
            }
        }
        oneHandler(path, Stream.of(probe.getExec(), probe.getHttpGet(), probe.getTcpSocket(), probe.getGrpc()));
        if (probe.getExec() != null && orEmpty(probe.getExec().getCommand()).isEmpty()) {
            errors.add(FieldError.required(path + ".exec.command", ""));
        }
        http(path + ".httpGet", probe.getHttpGet());
        if (probe.getTcpSocket() != null) {
            namedPort(path + ".tcpSocket.port", probe.getTcpSocket().getPort());
        }
        if (probe.getGrpc() != null) {
            errors.port(
                    path + ".grpc.port",
                    probe.getGrpc().getPort() == null ? 0 : probe.getGrpc().getPort());
        }
    }

    void lifecycle(String path, @Nullable Lifecycle lifecycle, boolean initContainer) {
        if (lifecycle == null) {
            return;
        }
        if (initContainer) {
            errors.add(FieldError.forbidden(path, "may not be set for init containers without restartPolicy=Always"));
            return;
        }
        handler(path + ".postStart", lifecycle.getPostStart());
        handler(path + ".preStop", lifecycle.getPreStop());
        stopSignal(path + ".stopSignal", lifecycle.getStopSignal());
    }

    /** KEP-4960. */
    private void stopSignal(String path, @Nullable String signal) {
        if (signal == null) {
            return;
        }
        if (spec.getOs() == null || spec.getOs().getName() == null) {
            errors.add(FieldError.forbidden(path, "may not be set for containers with empty `spec.os.name`"));
        } else if (!spec.getOs().getName().equals("linux")) {
            errors.invalid(path, signal, "only signals of linux can be sent here");
        } else {
            errors.oneOf(path, signal, STOP_SIGNALS);
        }
    }

    private void handler(String path, @Nullable LifecycleHandler handler) {
        if (handler == null) {
            return;
        }
        oneHandler(
                path, Stream.of(handler.getExec(), handler.getHttpGet(), handler.getTcpSocket(), handler.getSleep()));
        if (handler.getExec() != null && orEmpty(handler.getExec().getCommand()).isEmpty()) {
            errors.add(FieldError.required(path + ".exec.command", ""));
        }
        http(path + ".httpGet", handler.getHttpGet());
        if (handler.getTcpSocket() != null) {
            namedPort(path + ".tcpSocket.port", handler.getTcpSocket().getPort());
        }
        if (handler.getSleep() != null) {
            sleep(path + ".sleep", handler.getSleep().getSeconds());
        }
    }

    /** The grace period is what there is to sleep in. */
    private void sleep(String path, @Nullable Long seconds) {
        Long grace = spec.getTerminationGracePeriodSeconds();
        if (seconds == null) {
            errors.add(FieldError.required(path + ".seconds", ""));
        } else if (grace != null && grace >= 0 && (seconds < 0 || seconds > grace)) {
            errors.invalid(
                    path, seconds, "must be non-negative and less than terminationGracePeriodSeconds (" + grace + ")");
        }
    }

    private void oneHandler(String path, Stream<@Nullable Object> handlers) {
        long count = handlers.filter(handler -> handler != null).count();
        if (count == 0) {
            errors.add(FieldError.required(path, "must specify a handler type"));
        } else if (count > 1) {
            errors.add(FieldError.forbidden(path, "may not specify more than 1 handler type"));
        }
    }

    private void http(String path, @Nullable HTTPGetAction get) {
        if (get == null) {
            return;
        }
        namedPort(path + ".port", get.getPort());
        errors.oneOf(path + ".scheme", get.getScheme(), List.of("HTTP", "HTTPS"));
        // They become the lines of a request.
        if (get.getPath() != null && get.getPath().chars().anyMatch(c -> c <= ' ' || c == DELETE)) {
            errors.invalid(
                    path + ".path", get.getPath(), "must not contain white space or control characters; write %20");
        }
        if (get.getHost() != null && get.getHost().chars().anyMatch(c -> c <= ' ' || c == DELETE || c == '/')) {
            errors.invalid(path + ".host", get.getHost(), "must be a host name or an IP address");
        }
        List<HTTPHeader> headers = orEmpty(get.getHttpHeaders());
        for (int i = 0; i < headers.size(); i++) {
            String field = path + ".httpHeaders[" + i + "]";
            String name = headers.get(i).getName();
            if (errors.required(field + ".name", name)) {
                errors.rule(field + ".name", name, Names.httpHeader(name));
            }
            String value = headers.get(i).getValue();
            if (value != null && value.chars().anyMatch(c -> (c < ' ' && c != '\t') || c == DELETE)) {
                errors.invalid(field + ".value", value, "must not contain control characters such as line breaks");
            }
        }
    }

    private void namedPort(String field, @Nullable IntOrString port) {
        if (port == null) {
            errors.add(FieldError.required(field, ""));
        } else if (port.getStrVal() != null) {
            errors.rule(field, port.getStrVal(), Names.portName(port.getStrVal()));
        } else {
            errors.port(field, port.getIntVal() == null ? 0 : port.getIntVal());
        }
    }
}
