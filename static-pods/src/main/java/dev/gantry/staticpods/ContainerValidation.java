package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.ContainerRestartRule;
import io.fabric8.kubernetes.api.model.ContainerRestartRuleOnExitCodes;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Containers and init containers of a pod. */
final class ContainerValidation {
    private static final int MAX_RESTART_RULES = 20;
    private static final int MAX_EXIT_CODES = 255;
    private static final int MAX_EXIT_CODE = 255;

    private final FieldErrors errors;
    private final PodSpec spec;
    private final Set<String> volumes;
    private final Set<String> hostPorts = new HashSet<>();

    ContainerValidation(FieldErrors errors, PodSpec spec, Set<String> volumes) {
        this.errors = errors;
        this.spec = spec;
        this.volumes = volumes;
    }

    /**
     * Checks one container.
     *
     * @param names of the containers before it; its own is added
     */
    void validate(String path, Container container, Set<String> names, boolean init) {
        if (errors.required(path + ".name", container.getName())) {
            errors.rule(path + ".name", container.getName(), Names.label(container.getName()));
            if (!names.add(container.getName())) {
                errors.add(FieldError.duplicate(path + ".name", container.getName()));
            }
        }
        image(path, container);
        errors.oneOf(
                path + ".terminationMessagePolicy",
                container.getTerminationMessagePolicy(),
                List.of("File", "FallbackToLogsOnError"));
        errors.oneOf(path + ".restartPolicy", container.getRestartPolicy(), List.of("Always", "OnFailure", "Never"));
        if (container.getRestartPolicy() == null
                && !orEmpty(container.getRestartPolicyRules()).isEmpty()) {
            errors.add(FieldError.required(
                    path + ".restartPolicy", "must specify restartPolicy when restart rules are used"));
        }
        restartRules(path + ".restartPolicyRules", orEmpty(container.getRestartPolicyRules()));
        ports(path, orEmpty(container.getPorts()), init && !"Always".equals(container.getRestartPolicy()));
        environment(path, orEmpty(container.getEnv()));
        new SourceValidation(errors).variables(path + ".envFrom", orEmpty(container.getEnvFrom()));
        mounts(path, container);
        ResourceValidation resources = new ResourceValidation(errors);
        if (container.getResources() != null) {
            resources.validate(path + ".resources", container.getResources());
        }
        resources.resizePolicy(
                path + ".resizePolicy", orEmpty(container.getResizePolicy()), "Never".equals(spec.getRestartPolicy()));
        if (container.getSecurityContext() != null) {
            new SecurityValidation(errors).container(path + ".securityContext", container.getSecurityContext(), spec);
        }
        boolean sidecar = "Always".equals(container.getRestartPolicy());
        HandlerValidation handlers = new HandlerValidation(errors, spec);
        handlers.probe(path + ".livenessProbe", container.getLivenessProbe(), init && !sidecar, true);
        handlers.probe(path + ".readinessProbe", container.getReadinessProbe(), init && !sidecar, false);
        handlers.probe(path + ".startupProbe", container.getStartupProbe(), init && !sidecar, true);
        handlers.lifecycle(path + ".lifecycle", container.getLifecycle(), init && !sidecar);
    }

    /** KEP-5307. */
    private void restartRules(String path, List<ContainerRestartRule> rules) {
        if (rules.size() > MAX_RESTART_RULES) {
            errors.add(FieldError.tooMany(path, rules.size(), MAX_RESTART_RULES));
        }
        for (int i = 0; i < rules.size(); i++) {
            String field = path + "[" + i + "]";
            ContainerRestartRule rule = rules.get(i);
            if (errors.required(field + ".action", rule.getAction())) {
                errors.oneOf(field + ".action", rule.getAction(), List.of("Restart", "RestartAllContainers"));
            }
            ContainerRestartRuleOnExitCodes codes = rule.getExitCodes();
            if (codes == null) {
                errors.add(FieldError.required(field + ".exitCodes", "must be specified"));
                continue;
            }
            if (errors.required(field + ".exitCodes.operator", codes.getOperator())) {
                errors.oneOf(field + ".exitCodes.operator", codes.getOperator(), List.of("In", "NotIn"));
            }
            List<Integer> values = orEmpty(codes.getValues());
            if (values.size() > MAX_EXIT_CODES) {
                errors.add(FieldError.tooMany(field + ".exitCodes.values", values.size(), MAX_EXIT_CODES));
            }
            for (int code : values) {
                if (code < 0 || code > MAX_EXIT_CODE) {
                    errors.invalid(field + ".exitCodes.values", code, "must be between 0 and 255, inclusive");
                }
            }
        }
    }

    private void image(String path, Container container) {
        if (errors.required(path + ".image", container.getImage())
                && !container.getImage().equals(container.getImage().strip())) {
            errors.invalid(path + ".image", container.getImage(), "must not have leading or trailing whitespace");
        }
        errors.oneOf(
                path + ".imagePullPolicy", container.getImagePullPolicy(), List.of("Always", "IfNotPresent", "Never"));
    }

    private void ports(String path, List<ContainerPort> ports, boolean ends) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < ports.size(); i++) {
            ContainerPort port = ports.get(i);
            String field = path + ".ports[" + i + "]";
            if (port.getName() != null && !port.getName().isEmpty()) {
                errors.rule(field + ".name", port.getName(), Names.portName(port.getName()));
                if (!names.add(port.getName())) {
                    errors.add(FieldError.duplicate(field + ".name", port.getName()));
                }
            }
            if (port.getContainerPort() == null || port.getContainerPort() == 0) {
                errors.add(FieldError.required(field + ".containerPort", ""));
            } else {
                errors.port(field + ".containerPort", port.getContainerPort());
            }
            hostPort(field, port, ends);
            errors.oneOf(field + ".protocol", port.getProtocol(), List.of("TCP", "UDP", "SCTP"));
        }
    }

    private void hostPort(String field, ContainerPort port, boolean ends) {
        if (port.getHostIP() != null && !port.getHostIP().isEmpty() && !IpAddresses.isAddress(port.getHostIP())) {
            errors.invalid(
                    field + ".hostIP",
                    port.getHostIP(),
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
        Integer number = port.getHostPort();
        if (number == null || number == 0) {
            return;
        }
        errors.port(field + ".hostPort", number);
        if (Boolean.TRUE.equals(spec.getHostNetwork()) && !number.equals(port.getContainerPort())) {
            errors.invalid(
                    field + ".containerPort",
                    port.getContainerPort() == null ? 0 : port.getContainerPort(),
                    "must match `hostPort` when `hostNetwork` is true");
        }
        String key = port.getProtocol() + "/" + (port.getHostIP() == null ? "" : port.getHostIP()) + "/" + number;
        // Init containers that end do so before containers bind.
        if (!ends && !hostPorts.add(key)) {
            errors.add(FieldError.duplicate(field + ".hostPort", key));
        }
    }

    private void environment(String path, List<EnvVar> variables) {
        for (int i = 0; i < variables.size(); i++) {
            EnvVar variable = variables.get(i);
            String field = path + ".env[" + i + "]";
            if (errors.required(field + ".name", variable.getName())) {
                errors.rule(field + ".name", variable.getName(), Names.environmentVariable(variable.getName()));
            }
            EnvVarSource source = variable.getValueFrom();
            if (source == null) {
                continue;
            }
            long sources = Stream.of(
                            source.getConfigMapKeyRef(),
                            source.getFieldRef(),
                            source.getFileKeyRef(),
                            source.getResourceFieldRef(),
                            source.getSecretKeyRef())
                    .filter(one -> one != null)
                    .count();
            if (sources == 0) {
                errors.invalid(
                        field + ".valueFrom",
                        "",
                        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or"
                                + " `fileKeyRef`");
            } else if (variable.getValue() != null && !variable.getValue().isEmpty()) {
                errors.invalid(field + ".valueFrom", "", "may not be specified when `value` is not empty");
            } else if (sources > 1) {
                errors.invalid(field + ".valueFrom", "", "may not have more than one field specified at a time");
            } else {
                new SourceValidation(errors).variable(field + ".valueFrom", source, spec);
            }
        }
    }

    private void mounts(String path, Container container) {
        List<VolumeMount> mounts = orEmpty(container.getVolumeMounts());
        boolean privileged = container.getSecurityContext() != null
                && Boolean.TRUE.equals(container.getSecurityContext().getPrivileged());
        Set<String> paths = new HashSet<>();
        for (int i = 0; i < mounts.size(); i++) {
            VolumeMount mount = mounts.get(i);
            String field = path + ".volumeMounts[" + i + "]";
            if (errors.required(field + ".name", mount.getName()) && !volumes.contains(mount.getName())) {
                errors.add(FieldError.notFound(
                        field + ".name",
                        mount.getName(),
                        volumes.isEmpty() ? "spec.volumes has none" : "spec.volumes has " + FieldErrors.some(volumes)));
            }
            if (errors.required(field + ".mountPath", mount.getMountPath()) && !paths.add(mount.getMountPath())) {
                errors.invalid(field + ".mountPath", mount.getMountPath(), "must be unique");
            }
            String subPath = mount.getSubPath();
            String expression = mount.getSubPathExpr();
            if (subPath != null && !subPath.isEmpty()) {
                PathRules.relative(errors, field + ".subPath", subPath);
                if (expression != null && !expression.isEmpty()) {
                    errors.invalid(
                            field + ".subPathExpr", expression, "subPathExpr and subPath are mutually exclusive");
                }
            }
            if (expression != null && !expression.isEmpty()) {
                PathRules.relative(errors, field + ".subPathExpr", expression);
            }
            propagation(field, mount, privileged);
            List<String> options = orEmpty(mount.getBindMountOptions());
            for (int option = 0; option < options.size(); option++) {
                errors.oneOf(
                        field + ".bindMountOptions[" + option + "]",
                        options.get(option),
                        List.of("nodev", "noexec", "nosuid"));
            }
        }
    }

    private void propagation(String field, VolumeMount mount, boolean privileged) {
        errors.oneOf(
                field + ".mountPropagation",
                mount.getMountPropagation(),
                List.of("Bidirectional", "HostToContainer", "None"));
        errors.oneOf(
                field + ".recursiveReadOnly",
                mount.getRecursiveReadOnly(),
                List.of("Disabled", "IfPossible", "Enabled"));
        if (mount.getRecursiveReadOnly() != null
                && !mount.getRecursiveReadOnly().equals("Disabled")
                && !Boolean.TRUE.equals(mount.getReadOnly())) {
            errors.add(
                    FieldError.forbidden(field + ".recursiveReadOnly", "may only be specified when readOnly is true"));
        }
        String propagation = mount.getMountPropagation();
        if (mount.getRecursiveReadOnly() != null
                && !mount.getRecursiveReadOnly().equals("Disabled")
                && propagation != null
                && !propagation.equals("None")) {
            errors.add(FieldError.forbidden(
                    field + ".recursiveReadOnly",
                    "may only be specified when mountPropagation is None or not specified"));
        }
        if ("Bidirectional".equals(propagation) && !privileged) {
            errors.add(FieldError.forbidden(
                    field + ".mountPropagation",
                    "Bidirectional mount propagation is available only to privileged containers"));
        }
    }
}
