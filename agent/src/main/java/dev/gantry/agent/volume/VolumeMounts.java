package dev.gantry.agent.volume;

import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** CRI's form of a container's volume mounts. Pure. */
final class VolumeMounts {
    private VolumeMounts() {}

    /**
     * One mount.
     *
     * @param source with the sub path already applied, unless it is an image
     * @param subPath inside an image; else empty
     * @param canBeRecursive whether the runtime can make all mounts below one read-only
     * @throws VolumeException if the mount asks for what the runtime cannot give
     */
    static Mount of(VolumeMount mount, MountSource source, String subPath, boolean canBeRecursive)
            throws VolumeException {
        Mount.Builder result = Mount.newBuilder()
                .setContainerPath(absolute(mount.getMountPath()))
                .setReadonly(Boolean.TRUE.equals(mount.getReadOnly()) || source.readOnly())
                .setRecursiveReadOnly(recursiveReadOnly(mount, canBeRecursive))
                .setPropagation(propagation(mount.getMountPropagation()))
                .addAllMountOptions(mount.getBindMountOptions() == null ? List.of() : mount.getBindMountOptions());
        if (!source.isImage()) {
            return result.setHostPath(source.hostPath())
                    .setSelinuxRelabel(source.managed())
                    .build();
        }
        return result.setImage(source.image()).setImageSubPath(subPath).build();
    }

    private static boolean recursiveReadOnly(VolumeMount mount, boolean possible) throws VolumeException {
        return switch (mount.getRecursiveReadOnly() == null ? "" : mount.getRecursiveReadOnly()) {
            case "Enabled" -> {
                if (!possible) {
                    throw new VolumeException(
                            "volume \"%s\" requested recursive read-only mode, but it is not supported by the runtime"
                                    .formatted(mount.getName()));
                }
                yield true;
            }
            case "IfPossible" -> possible;
            default -> false;
        };
    }

    /**
     * The path inside the volume that is mounted; empty for all of it. In {@code subPathExpr} each {@code $(NAME)} has to be
     * known.
     *
     * @throws VolumeException if a variable is missing or the path leads out of the volume
     */
    static String subPath(VolumeMount mount, Map<String, String> environment) throws VolumeException {
        String path = mount.getSubPath() == null ? "" : mount.getSubPath();
        String expression = mount.getSubPathExpr() == null ? "" : mount.getSubPathExpr();
        if (!expression.isEmpty()) {
            path = expand(mount.getName(), expression, environment);
        }
        if (path.isEmpty()) {
            return "";
        }
        if (path.startsWith("/")) {
            throw new VolumeException("error SubPath `%s` must not be an absolute path".formatted(path));
        }
        for (String name : path.split("/")) {
            if (name.equals("..")) {
                throw new VolumeException("unable to provision SubPath `%s`: must not contain '..'".formatted(path));
            }
        }
        return path;
    }

    private static String expand(String volume, String expression, Map<String, String> environment)
            throws VolumeException {
        StringBuilder out = new StringBuilder();
        int i = 0;
        while (i < expression.length()) {
            char c = expression.charAt(i);
            int end = expression.startsWith("$(", i) ? expression.indexOf(')', i) : -1;
            if (end > 0) {
                String name = expression.substring(i + 2, end);
                String value = environment.get(name);
                if (value == null) {
                    throw new VolumeException(
                            "missing value for \"%s\" in subPathExpr of volumeMount \"%s\"; it takes the container's env"
                                    .formatted(name, volume));
                }
                out.append(value);
                i = end + 1;
            } else {
                // Two of them are one, as everywhere that variables are expanded.
                i += expression.startsWith("$$", i) ? 2 : 1;
                out.append(c);
            }
        }
        return out.toString();
    }

    private static String absolute(String path) {
        return path.startsWith("/") ? path : "/" + path;
    }

    private static MountPropagation propagation(@Nullable String propagation) {
        return switch (propagation == null ? "" : propagation.toLowerCase(Locale.ROOT)) {
            case "hosttocontainer" -> MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
            case "bidirectional" -> MountPropagation.PROPAGATION_BIDIRECTIONAL;
            default -> MountPropagation.PROPAGATION_PRIVATE;
        };
    }
}
