package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.HostAlias;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodDNSConfig;
import io.fabric8.kubernetes.api.model.PodDNSConfigOption;
import io.fabric8.kubernetes.api.model.PodReadinessGate;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Sysctl;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules that the API has for a Pod when it is created, with its words. Expects defaults to be filled in. */
public final class PodValidation {
    private static final int MAX_ANNOTATIONS_BYTES = 256 << 10;
    private static final int MAX_NAMESERVERS = 3;
    private static final int MAX_SEARCHES = 32;
    private static final int MAX_SEARCH_CHARACTERS = 2048;
    /** What the kernel keeps of a host name, HOST_NAME_MAX. */
    private static final int MAX_KERNEL_HOSTNAME = 64;

    private static final Pattern SYSCTL =
            Pattern.compile("[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*");

    private final FieldErrors errors = new FieldErrors();
    private final PodSpec spec;

    private final boolean present;

    private PodValidation(PodSpec spec, boolean present) {
        this.spec = spec;
        this.present = present;
    }

    /** All fields at fault, in the order of the API's documentation; empty if the pod is valid. */
    public static List<FieldError> validate(Pod pod) {
        return validate(pod, false);
    }

    /** The same for a pod that exists, and may have what can only be added to one. */
    public static List<FieldError> validatePresent(Pod pod) {
        return validate(pod, true);
    }

    private static List<FieldError> validate(Pod pod, boolean present) {
        if (pod.getSpec() == null) {
            FieldErrors errors = new FieldErrors();
            errors.add(FieldError.required("spec", ""));
            return errors.found();
        }
        PodValidation validation = new PodValidation(pod.getSpec(), present);
        validation.metadata(pod.getMetadata() == null ? new ObjectMeta() : pod.getMetadata());
        validation.spec();
        if (pod.getMetadata() != null) {
            new AppArmorAnnotations(validation.errors).validate(pod.getMetadata(), pod.getSpec());
        }
        return validation.errors.found();
    }

    private void metadata(ObjectMeta metadata) {
        boolean generated = metadata.getName() == null && metadata.getGenerateName() != null;
        if (!generated && errors.required("metadata.name", metadata.getName(), "name or generateName is required")) {
            errors.rule("metadata.name", metadata.getName(), Names.subdomain(metadata.getName()));
        }
        String prefix = metadata.getGenerateName();
        if (prefix != null && !prefix.isEmpty()) {
            // What is made of it ends with letters and digits.
            errors.rule("metadata.generateName", prefix, Names.subdomain(prefix + "x"));
        }
        if (metadata.getUid() != null && !metadata.getUid().isEmpty()) {
            errors.rule("metadata.uid", metadata.getUid(), Names.uid(metadata.getUid()));
        }
        if (metadata.getNamespace() != null) {
            errors.rule("metadata.namespace", metadata.getNamespace(), Names.label(metadata.getNamespace()));
        }
        labelsAndAnnotations(errors, metadata);
    }

    static void labelsAndAnnotations(FieldErrors errors, ObjectMeta metadata) {
        orEmpty(metadata.getLabels()).forEach((key, value) -> {
            errors.rule("metadata.labels", key, Names.qualifiedKey(key));
            errors.rule("metadata.labels", value, Names.labelValue(value));
        });
        long size = 0;
        for (Map.Entry<String, String> annotation :
                orEmpty(metadata.getAnnotations()).entrySet()) {
            errors.rule(
                    "metadata.annotations",
                    annotation.getKey(),
                    Names.qualifiedKey(annotation.getKey().toLowerCase(java.util.Locale.ROOT)));
            size += annotation.getKey().length() + annotation.getValue().length();
        }
        if (size > MAX_ANNOTATIONS_BYTES) {
            errors.add(FieldError.tooLong("metadata.annotations", MAX_ANNOTATIONS_BYTES));
        }
    }

    private void spec() {
        Set<String> volumes = new VolumeValidation(errors).validate(orEmpty(spec.getVolumes()));
        containers(volumes);
        errors.oneOf("spec.restartPolicy", spec.getRestartPolicy(), List.of("Always", "OnFailure", "Never"));
        errors.oneOf(
                "spec.dnsPolicy",
                spec.getDnsPolicy(),
                List.of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"));
        errors.notNegative("spec.terminationGracePeriodSeconds", spec.getTerminationGracePeriodSeconds());
        Long deadline = spec.getActiveDeadlineSeconds();
        if (deadline != null && (deadline < 1 || deadline > Integer.MAX_VALUE)) {
            errors.invalid("spec.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive");
        }
        if (spec.getHostname() != null && !spec.getHostname().isEmpty()) {
            errors.rule("spec.hostname", spec.getHostname(), Names.label(spec.getHostname()));
        }
        if (spec.getSubdomain() != null && !spec.getSubdomain().isEmpty()) {
            errors.rule("spec.subdomain", spec.getSubdomain(), Names.label(spec.getSubdomain()));
        }
        List<PodReadinessGate> gates = orEmpty(spec.getReadinessGates());
        for (int i = 0; i < gates.size(); i++) {
            String type =
                    gates.get(i).getConditionType() == null ? "" : gates.get(i).getConditionType();
            errors.rule("spec.readinessGates[" + i + "].conditionType", type, Names.qualifiedKey(type));
        }
        hostnames();
        dns();
        hostAliases();
        securityContext();
        orEmpty(spec.getNodeSelector()).forEach((key, value) -> {
            errors.rule("spec.nodeSelector", key, Names.qualifiedKey(key));
            errors.rule("spec.nodeSelector", value, Names.labelValue(value));
        });
        new AffinityValidation(errors).validate("spec.affinity", spec.getAffinity());
        tolerations();
        if (spec.getRuntimeClassName() != null) {
            errors.rule(
                    "spec.runtimeClassName", spec.getRuntimeClassName(), Names.subdomain(spec.getRuntimeClassName()));
        }
        if (spec.getOs() != null && errors.required("spec.os.name", spec.getOs().getName())) {
            errors.oneOf("spec.os.name", spec.getOs().getName(), List.of("linux", "windows"));
        }
        new PodResourceValidation(errors, spec).validate();
        spread();
    }

    private void containers(Set<String> volumes) {
        ContainerValidation validation = new ContainerValidation(errors, spec, volumes);
        Set<String> names = new HashSet<>();
        List<Container> containers = orEmpty(spec.getContainers());
        if (containers.isEmpty()) {
            errors.add(FieldError.required("spec.containers", ""));
        }
        for (int i = 0; i < containers.size(); i++) {
            validation.validate("spec.containers[" + i + "]", containers.get(i), names, false);
        }
        List<Container> initContainers = orEmpty(spec.getInitContainers());
        for (int i = 0; i < initContainers.size(); i++) {
            validation.validate("spec.initContainers[" + i + "]", initContainers.get(i), names, true);
        }
        List<EphemeralContainer> ephemeral = orEmpty(spec.getEphemeralContainers());
        if (!present && !ephemeral.isEmpty()) {
            errors.add(FieldError.forbidden("spec.ephemeralContainers", "cannot be set on create"));
            return;
        }
        for (int i = 0; i < ephemeral.size(); i++) {
            String path = "spec.ephemeralContainers[" + i + "]";
            validation.validate(path, EphemeralContainers.container(ephemeral.get(i)), names, false);
            EphemeralContainers.validate(path, ephemeral.get(i), spec, errors);
        }
    }

    private void hostnames() {
        String override = spec.getHostnameOverride();
        if (override == null) {
            return;
        }
        String field = "spec.hostnameOverride";
        if (Boolean.TRUE.equals(spec.getHostNetwork())) {
            errors.add(FieldError.forbidden(field, "may not be set when `hostNetwork` is true"));
        }
        if (Boolean.TRUE.equals(spec.getSetHostnameAsFQDN())) {
            errors.add(FieldError.forbidden(field, "may not be set when `setHostnameAsFQDN` is true"));
        }
        if (override.length() > MAX_KERNEL_HOSTNAME) {
            errors.invalid(field, override, "must be no more than " + MAX_KERNEL_HOSTNAME + " characters");
        } else {
            errors.rule(field, override, Names.subdomain(override));
        }
    }

    private void dns() {
        PodDNSConfig config = spec.getDnsConfig();
        if ("None".equals(spec.getDnsPolicy())
                && (config == null || orEmpty(config.getNameservers()).isEmpty())) {
            errors.add(FieldError.required(
                    "spec.dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"));
        }
        if (config == null) {
            return;
        }
        List<String> nameservers = orEmpty(config.getNameservers());
        if (nameservers.size() > MAX_NAMESERVERS) {
            errors.invalid(
                    "spec.dnsConfig.nameservers",
                    nameservers,
                    "must not have more than " + MAX_NAMESERVERS + " nameservers");
        }
        for (int i = 0; i < nameservers.size(); i++) {
            ipAddress("spec.dnsConfig.nameservers[" + i + "]", nameservers.get(i));
        }
        List<String> searches = orEmpty(config.getSearches());
        if (searches.size() > MAX_SEARCHES) {
            errors.invalid(
                    "spec.dnsConfig.searches", searches, "must not have more than " + MAX_SEARCHES + " search paths");
        }
        for (int i = 0; i < searches.size(); i++) {
            String search = searches.get(i);
            // Underscores are not for hosts, but for services.
            String name = search.endsWith(".") ? search.substring(0, search.length() - 1) : search;
            if (!search.equals(".")) {
                errors.rule("spec.dnsConfig.searches[" + i + "]", search, Names.subdomain(name.replace('_', '-')));
            }
        }
        if (String.join(" ", searches).length() > MAX_SEARCH_CHARACTERS) {
            errors.invalid(
                    "spec.dnsConfig.searches",
                    searches,
                    "must not have more than " + MAX_SEARCH_CHARACTERS
                            + " characters (including spaces) in the search list");
        }
        for (int i = 0; i < orEmpty(config.getOptions()).size(); i++) {
            String path = "spec.dnsConfig.options[" + i + "]";
            PodDNSConfigOption option = config.getOptions().get(i);
            if (errors.required(path, option.getName(), "must not be empty")) {
                word(path + ".name", option.getName());
            }
            word(path + ".value", option.getValue());
        }
    }

    /** Part of a line of resolv.conf. */
    private void word(String field, @Nullable String text) {
        if (text != null && text.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
            errors.invalid(field, text, "must not contain white space or control characters");
        }
    }

    private void hostAliases() {
        List<HostAlias> aliases = orEmpty(spec.getHostAliases());
        for (int i = 0; i < aliases.size(); i++) {
            String path = "spec.hostAliases[" + i + "]";
            ipAddress(path + ".ip", aliases.get(i).getIp());
            List<String> names = orEmpty(aliases.get(i).getHostnames());
            for (int j = 0; j < names.size(); j++) {
                errors.rule(path + ".hostnames[" + j + "]", names.get(j), Names.subdomain(names.get(j)));
            }
        }
    }

    private void ipAddress(String field, @Nullable String text) {
        if (text == null || !IpAddresses.isAddress(text)) {
            errors.invalid(
                    field, text == null ? "" : text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }

    private void securityContext() {
        boolean hostPid = Boolean.TRUE.equals(spec.getHostPID());
        if (hostPid && Boolean.TRUE.equals(spec.getShareProcessNamespace())) {
            errors.invalid(
                    "spec.shareProcessNamespace", true, "ShareProcessNamespace and HostPID cannot both be enabled");
        }
        if (Boolean.FALSE.equals(spec.getHostUsers())) {
            if (Boolean.TRUE.equals(spec.getHostNetwork())) {
                errors.add(FieldError.forbidden("spec.hostNetwork", "when `hostUsers` is false"));
            }
            if (hostPid) {
                errors.add(FieldError.forbidden("spec.hostPID", "when `hostUsers` is false"));
            }
            if (Boolean.TRUE.equals(spec.getHostIPC())) {
                errors.add(FieldError.forbidden("spec.hostIPC", "when `hostUsers` is false"));
            }
        }
        PodSecurityContext context = spec.getSecurityContext();
        if (context == null) {
            return;
        }
        String path = "spec.securityContext";
        errors.id(path + ".runAsUser", context.getRunAsUser());
        errors.id(path + ".runAsGroup", context.getRunAsGroup());
        errors.id(path + ".fsGroup", context.getFsGroup());
        List<Long> groups = orEmpty(context.getSupplementalGroups());
        for (int i = 0; i < groups.size(); i++) {
            errors.id(path + ".supplementalGroups[" + i + "]", groups.get(i));
        }
        errors.oneOf(
                path + ".supplementalGroupsPolicy", context.getSupplementalGroupsPolicy(), List.of("Merge", "Strict"));
        errors.oneOf(
                path + ".fsGroupChangePolicy", context.getFsGroupChangePolicy(), List.of("OnRootMismatch", "Always"));
        new SecurityValidation(errors).pod(path, context);
        sysctls(path, orEmpty(context.getSysctls()));
    }

    private void sysctls(String path, List<Sysctl> sysctls) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < sysctls.size(); i++) {
            String field = path + ".sysctls[" + i + "].name";
            String name = sysctls.get(i).getName();
            if (!errors.required(field, name)) {
                continue;
            }
            if (name.length() > 253 || !SYSCTL.matcher(name).matches()) {
                errors.invalid(field, name, "must have at most 253 characters and match regex " + SYSCTL.pattern());
            } else if (!names.add(name.replace('/', '.'))) {
                errors.add(FieldError.duplicate(field, name));
            }
            errors.required(path + ".sysctls[" + i + "].value", sysctls.get(i).getValue());
        }
    }

    private void tolerations() {
        List<Toleration> tolerations = orEmpty(spec.getTolerations());
        for (int i = 0; i < tolerations.size(); i++) {
            Toleration toleration = tolerations.get(i);
            String path = "spec.tolerations[" + i + "]";
            boolean exists = "Exists".equals(toleration.getOperator());
            if (toleration.getKey() != null && !toleration.getKey().isEmpty()) {
                errors.rule(path + ".key", toleration.getKey(), Names.qualifiedKey(toleration.getKey()));
            } else if (!exists) {
                errors.invalid(
                        path + ".operator",
                        toleration.getOperator() == null ? "" : toleration.getOperator(),
                        "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
            }
            String value = toleration.getValue() == null ? "" : toleration.getValue();
            if (exists && !value.isEmpty()) {
                errors.invalid(path + ".operator", value, "value must be empty when `operator` is 'Exists'");
            } else if (!exists) {
                errors.rule(path + ".operator", value, Names.labelValue(value));
            }
            if (toleration.getTolerationSeconds() != null && !"NoExecute".equals(toleration.getEffect())) {
                errors.invalid(
                        path + ".effect",
                        toleration.getEffect() == null ? "" : toleration.getEffect(),
                        "effect must be 'NoExecute' when `tolerationSeconds` is set");
            }
            if (toleration.getOperator() != null && !toleration.getOperator().isEmpty()) {
                errors.oneOf(path + ".operator", toleration.getOperator(), List.of("Equal", "Exists", "Lt", "Gt"));
            }
            if (toleration.getEffect() != null && !toleration.getEffect().isEmpty()) {
                errors.oneOf(
                        path + ".effect",
                        toleration.getEffect(),
                        List.of("NoSchedule", "PreferNoSchedule", "NoExecute"));
            }
        }
    }

    private void spread() {
        List<TopologySpreadConstraint> constraints = orEmpty(spec.getTopologySpreadConstraints());
        for (int i = 0; i < constraints.size(); i++) {
            String path = "spec.topologySpreadConstraints[" + i + "]";
            TopologySpreadConstraint constraint = constraints.get(i);
            if (constraint.getMaxSkew() == null || constraint.getMaxSkew() <= 0) {
                errors.invalid(
                        path + ".maxSkew",
                        constraint.getMaxSkew() == null ? 0 : constraint.getMaxSkew(),
                        "must be greater than zero");
            }
            errors.required(path + ".topologyKey", constraint.getTopologyKey(), "can not be empty");
            if (errors.required(path + ".whenUnsatisfiable", constraint.getWhenUnsatisfiable())) {
                errors.oneOf(
                        path + ".whenUnsatisfiable",
                        constraint.getWhenUnsatisfiable(),
                        List.of("DoNotSchedule", "ScheduleAnyway"));
            }
        }
    }

    static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    static <K, V> Map<K, V> orEmpty(@Nullable Map<K, V> map) {
        return map == null ? Map.of() : map;
    }
}
