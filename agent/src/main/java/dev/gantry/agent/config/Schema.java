package dev.gantry.agent.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every field that is known: those of {@code KubeletConfiguration} (kubelet.config.k8s.io/v1beta1, Kubernetes 1.36) and a few of our own, which come first.
 */
final class Schema {
    private static final Map<String, Field> FIELDS = new LinkedHashMap<>();

    static {
        add(Field.read("apiVersion", Field.Type.STRING));
        add(Field.read("kind", Field.Type.STRING));
        // Ours: what the kubelet has as flags only, or not at all.
        add(Field.read("nodeName", Field.Type.STRING));
        add(Field.read("nodeIP", Field.Type.STRING));
        add(Field.read("nodeLabels", Field.Type.MAP));
        add(Field.read("imageArchives", Field.Type.PATH));
        add(Field.read("imageRegistryConfig", Field.Type.STRINGS));
        add(Field.oneOf("network", "builtin", "cni", "none"));
        add(Field.read("cniConfDir", Field.Type.PATH));
        add(Field.read("cniBinDir", Field.Type.STRINGS));
        add(Field.oneOf("logging.level", "error", "warn", "info", "debug"));
        add(Field.read("crashLoopBackOff.initialContainerRestartPeriod", Field.Type.DURATION));
        add(Field.read("crashLoopBackOff.cleanExits", Field.Type.BOOLEAN));
        // The kubelet's.
        add(Field.read("staticPodPath", Field.Type.PATH));
        add(Field.read("podLogsDir", Field.Type.PATH));
        add(Field.read("podCIDR", Field.Type.STRING));
        add(Field.read("clusterDNS", Field.Type.STRINGS));
        add(Field.read("clusterDomain", Field.Type.STRING));
        add(Field.read("resolvConf", Field.Type.PATH));
        add(Field.read("cgroupRoot", Field.Type.STRING));
        add(Field.oneOf("cgroupDriver", "cgroupfs", "systemd"));
        add(Field.read("containerRuntimeEndpoint", Field.Type.STRING));
        add(Field.read("imageServiceEndpoint", Field.Type.STRING));
        resources();
        add(Field.read("seccompDefault", Field.Type.BOOLEAN));
        add(Field.read("allowedUnsafeSysctls", Field.Type.STRINGS));
        add(Field.read("userNamespaces.idsPerPod", Field.Type.INTEGER));
        add(Field.oneOf("logging.format", "text"));
        add(Field.integer("logging.verbosity", 0, 10));
        add(Field.read("crashLoopBackOff.maxContainerRestartPeriod", Field.Type.DURATION));
        for (String path : List.of(
                "enableServer",
                "rotateCertificates",
                "serverTLSBootstrap",
                "authentication.anonymous.enabled",
                "authentication.webhook.enabled",
                "enableDebuggingHandlers",
                "enableContentionProfiling",
                "cgroupsPerQOS",
                "runOnce",
                "serializeImagePulls",
                "enableControllerAttachDetach",
                "protectKernelDefaults",
                "makeIPTablesUtilChains",
                "failSwapOn",
                "kernelMemcgNotification",
                "enableSystemLogHandler",
                "enableSystemLogQuery",
                "enableProfilingHandler",
                "enableDebugFlagsHandler",
                "registerNode",
                "failCgroupV1")) {
            add(Field.withoutEffect(path, Field.Type.BOOLEAN));
        }
        for (String path : List.of(
                "syncFrequency",
                "fileCheckFrequency",
                "httpCheckFrequency",
                "authentication.webhook.cacheTTL",
                "authorization.webhook.cacheAuthorizedTTL",
                "authorization.webhook.cacheUnauthorizedTTL",
                "streamingConnectionIdleTimeout",
                "nodeStatusUpdateFrequency",
                "nodeStatusReportFrequency",
                "imageMinimumGCAge",
                "imageMaximumGCAge",
                "volumeStatsAggPeriod",
                "cpuManagerReconcilePeriod",
                "runtimeRequestTimeout",
                "evictionPressureTransitionPeriod",
                "shutdownGracePeriod",
                "shutdownGracePeriodCriticalPods",
                "logging.flushFrequency")) {
            add(Field.withoutEffect(path, Field.Type.DURATION));
        }
        for (String path : List.of(
                "port",
                "readOnlyPort",
                "registryPullQPS",
                "registryBurst",
                "eventRecordQPS",
                "eventBurst",
                "healthzPort",
                "oomScoreAdj",
                "nodeLeaseDurationSeconds",
                "imageGCHighThresholdPercent",
                "imageGCLowThresholdPercent",
                "nodeStatusMaxImages",
                "maxOpenFiles",
                "kubeAPIQPS",
                "kubeAPIBurst",
                "maxParallelImagePulls",
                "evictionMaxPodGracePeriod",
                "iptablesMasqueradeBit",
                "iptablesDropBit")) {
            add(Field.withoutEffect(path, Field.Type.INTEGER));
        }
        for (String path : List.of(
                "staticPodURL",
                "address",
                "tlsCertFile",
                "tlsPrivateKeyFile",
                "tlsMinVersion",
                "authentication.x509.clientCAFile",
                "authorization.mode",
                "imagePullCredentialsVerificationPolicy",
                "healthzBindAddress",
                "kubeletCgroups",
                "systemCgroups",
                "cpuManagerPolicy",
                "memoryManagerPolicy",
                "topologyManagerPolicy",
                "topologyManagerScope",
                "hairpinMode",
                "contentType",
                "configMapAndSecretChangeDetectionStrategy",
                "systemReservedCgroup",
                "kubeReservedCgroup",
                "showHiddenMetricsForVersion",
                "volumePluginDir",
                "providerID",
                "reservedSystemCPUs")) {
            add(Field.withoutEffect(path, Field.Type.STRING));
        }
        for (String path : List.of("tlsCipherSuites", "tlsCurvePreferences", "preloadedImagesVerificationAllowlist")) {
            add(Field.withoutEffect(path, Field.Type.STRINGS));
        }
        for (String path : List.of(
                "staticPodURLHeader",
                "cpuManagerPolicyOptions",
                "topologyManagerPolicyOptions",
                "qosReserved",
                "evictionSoft",
                "evictionSoftGracePeriod",
                "evictionMinimumReclaim",
                "shutdownGracePeriodByPodPriority",
                "reservedMemory",
                "registerWithTaints",
                "tracing",
                "logging.options",
                "logging.vmodule")) {
            add(Field.withoutEffect(path, Field.Type.ANY));
        }
    }

    private Schema() {}

    private static void resources() {
        for (String path :
                List.of("podPidsLimit", "maxPods", "podsPerCore", "containerLogMaxFiles", "containerLogMaxWorkers")) {
            add(Field.read(path, Field.Type.INTEGER));
        }
        for (String path : List.of(
                "cpuCFSQuota",
                "singleProcessOOMKill",
                "mergeDefaultEvictionSettings",
                "localStorageCapacityIsolation")) {
            add(Field.read(path, Field.Type.BOOLEAN));
        }
        for (String path : List.of("kubeReserved", "systemReserved", "evictionHard", "featureGates")) {
            add(Field.read(path, Field.Type.MAP));
        }
        add(Field.read("cpuCFSQuotaPeriod", Field.Type.DURATION));
        add(Field.read("containerLogMonitorInterval", Field.Type.DURATION));
        add(Field.read("containerLogMaxSize", Field.Type.QUANTITY));
        add(Field.read("memoryThrottlingFactor", Field.Type.DECIMAL));
        add(Field.read("enforceNodeAllocatable", Field.Type.STRINGS));
        add(Field.oneOf("memorySwap.swapBehavior", "NoSwap", "LimitedSwap"));
        add(Field.oneOf("memoryReservationPolicy", "None", "TieredReservation"));
    }

    private static void add(Field field) {
        FIELDS.put(field.path(), field);
    }

    static Optional<Field> find(String path) {
        return Optional.ofNullable(FIELDS.get(path));
    }

    /** Whether the path leads to fields below it. */
    static boolean isGroup(String path) {
        return FIELDS.keySet().stream().anyMatch(known -> known.startsWith(path + "."));
    }

    /** The last names of what may stand below a path; the top is the empty path. */
    static List<String> below(String path) {
        String prefix = path.isEmpty() ? "" : path + ".";
        List<String> names = new ArrayList<>();
        for (String known : FIELDS.keySet()) {
            if (known.startsWith(prefix)) {
                String rest = known.substring(prefix.length());
                int dot = rest.indexOf('.');
                names.add(dot < 0 ? rest : rest.substring(0, dot));
            }
        }
        return names.stream().distinct().toList();
    }
}
