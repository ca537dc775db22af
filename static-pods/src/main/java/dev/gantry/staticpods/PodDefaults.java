package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.EmptyDirVolumeSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import io.fabric8.kubernetes.api.model.ObjectFieldSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ProjectedVolumeSource;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fills in what the API fills in for a Pod of v1, in place.
 *
 * @see <a href="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/">Pod</a>
 */
public final class PodDefaults {
    private static final int DEFAULT_MODE = 0644;

    private PodDefaults() {}

    /** Sets each field that is not set and has a default; {@code pod} has metadata and spec. */
    public static void apply(Pod pod) {
        if (isBlank(pod.getMetadata().getNamespace())) {
            pod.getMetadata().setNamespace("default");
        }
        PodSpec spec = pod.getSpec();
        if (spec.getRestartPolicy() == null) {
            spec.setRestartPolicy("Always");
        }
        if (spec.getDnsPolicy() == null) {
            spec.setDnsPolicy("ClusterFirst");
        }
        if (spec.getSchedulerName() == null) {
            spec.setSchedulerName("default-scheduler");
        }
        if (spec.getTerminationGracePeriodSeconds() == null) {
            spec.setTerminationGracePeriodSeconds(30L);
        }
        if (spec.getEnableServiceLinks() == null) {
            spec.setEnableServiceLinks(true);
        }
        if (spec.getSecurityContext() == null) {
            spec.setSecurityContext(new PodSecurityContext());
        }
        boolean hostNetwork = Boolean.TRUE.equals(spec.getHostNetwork());
        orEmpty(spec.getContainers()).forEach(container -> container(container, hostNetwork));
        orEmpty(spec.getInitContainers()).forEach(container -> container(container, hostNetwork));
        orEmpty(spec.getEphemeralContainers()).forEach(EphemeralContainers::defaults);
        orEmpty(spec.getVolumes()).forEach(PodDefaults::volume);
    }

    static void container(Container container, boolean hostNetwork) {
        if (container.getTerminationMessagePath() == null) {
            container.setTerminationMessagePath("/dev/termination-log");
        }
        if (container.getTerminationMessagePolicy() == null) {
            container.setTerminationMessagePolicy("File");
        }
        if (container.getImagePullPolicy() == null && !isBlank(container.getImage())) {
            container.setImagePullPolicy(ImageTag.isLatest(container.getImage()) ? "Always" : "IfNotPresent");
        }
        if (container.getResources() == null) {
            container.setResources(new ResourceRequirements());
        }
        requests(container.getResources());
        for (ContainerPort port : orEmpty(container.getPorts())) {
            if (port.getProtocol() == null) {
                port.setProtocol("TCP");
            }
            if (hostNetwork && (port.getHostPort() == null || port.getHostPort() == 0)) {
                port.setHostPort(port.getContainerPort());
            }
        }
        for (EnvVar variable : orEmpty(container.getEnv())) {
            if (variable.getValueFrom() != null) {
                ObjectFieldSelector selector = variable.getValueFrom().getFieldRef();
                if (selector != null && isBlank(selector.getApiVersion())) {
                    selector.setApiVersion("v1");
                }
            }
        }
        probe(container.getLivenessProbe());
        probe(container.getReadinessProbe());
        probe(container.getStartupProbe());
        if (container.getLifecycle() != null) {
            hook(container.getLifecycle().getPostStart());
            hook(container.getLifecycle().getPreStop());
        }
    }

    /** A limit without a request is requested too. */
    private static void requests(ResourceRequirements resources) {
        if (resources.getLimits() == null || resources.getLimits().isEmpty()) {
            return;
        }
        Map<String, Quantity> requests =
                resources.getRequests() == null ? new LinkedHashMap<>() : new LinkedHashMap<>(resources.getRequests());
        resources.getLimits().forEach(requests::putIfAbsent);
        resources.setRequests(requests);
    }

    private static void probe(Probe probe) {
        if (probe == null) {
            return;
        }
        if (isZero(probe.getTimeoutSeconds())) {
            probe.setTimeoutSeconds(1);
        }
        if (isZero(probe.getPeriodSeconds())) {
            probe.setPeriodSeconds(10);
        }
        if (isZero(probe.getSuccessThreshold())) {
            probe.setSuccessThreshold(1);
        }
        if (isZero(probe.getFailureThreshold())) {
            probe.setFailureThreshold(3);
        }
        if (probe.getGrpc() != null && probe.getGrpc().getService() == null) {
            probe.getGrpc().setService("");
        }
        http(probe.getHttpGet());
    }

    private static void hook(LifecycleHandler handler) {
        if (handler != null) {
            http(handler.getHttpGet());
        }
    }

    private static void http(HTTPGetAction get) {
        if (get == null) {
            return;
        }
        if (isBlank(get.getPath())) {
            get.setPath("/");
        }
        if (get.getScheme() == null) {
            get.setScheme("HTTP");
        }
    }

    private static void volume(Volume volume) {
        if (VolumeSources.of(volume).isEmpty()) {
            volume.setEmptyDir(new EmptyDirVolumeSource());
        }
        if (volume.getHostPath() != null && volume.getHostPath().getType() == null) {
            volume.getHostPath().setType("");
        }
        if (volume.getSecret() != null && volume.getSecret().getDefaultMode() == null) {
            volume.getSecret().setDefaultMode(DEFAULT_MODE);
        }
        if (volume.getConfigMap() != null && volume.getConfigMap().getDefaultMode() == null) {
            volume.getConfigMap().setDefaultMode(DEFAULT_MODE);
        }
        if (volume.getDownwardAPI() != null && volume.getDownwardAPI().getDefaultMode() == null) {
            volume.getDownwardAPI().setDefaultMode(DEFAULT_MODE);
        }
        if (volume.getDownwardAPI() != null) {
            downward(volume.getDownwardAPI().getItems());
        }
        if (volume.getProjected() != null) {
            projected(volume.getProjected());
        }
        if (volume.getImage() != null
                && volume.getImage().getPullPolicy() == null
                && !isBlank(volume.getImage().getReference())) {
            volume.getImage()
                    .setPullPolicy(ImageTag.isLatest(volume.getImage().getReference()) ? "Always" : "IfNotPresent");
        }
    }

    private static void downward(List<DownwardAPIVolumeFile> items) {
        for (DownwardAPIVolumeFile item : orEmpty(items)) {
            if (item.getFieldRef() != null && isBlank(item.getFieldRef().getApiVersion())) {
                item.getFieldRef().setApiVersion("v1");
            }
        }
    }

    private static void projected(ProjectedVolumeSource projected) {
        if (projected.getDefaultMode() == null) {
            projected.setDefaultMode(DEFAULT_MODE);
        }
        for (VolumeProjection source : orEmpty(projected.getSources())) {
            if (source.getDownwardAPI() != null) {
                downward(source.getDownwardAPI().getItems());
            }
            if (source.getServiceAccountToken() != null
                    && source.getServiceAccountToken().getExpirationSeconds() == null) {
                source.getServiceAccountToken().setExpirationSeconds(3600L);
            }
        }
    }

    private static boolean isZero(Integer value) {
        return value == null || value == 0;
    }

    private static boolean isBlank(String text) {
        return text == null || text.isEmpty();
    }

    private static <T> List<T> orEmpty(List<T> list) {
        return list == null ? List.of() : list;
    }
}
