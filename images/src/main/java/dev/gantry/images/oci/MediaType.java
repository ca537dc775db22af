package dev.gantry.images.oci;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The media types of images, as OCI and Docker spell them. */
public final class MediaType {
    public static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    public static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    public static final String OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
    public static final String OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
    public static final String DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
    public static final String DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    public static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
    public static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
    static final String DOCKER_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+json";
    static final String DOCKER_SCHEMA_1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws";

    /** What to send as {@code Accept} for a manifest. */
    public static final String ACCEPTED_MANIFESTS =
            String.join(", ", List.of(OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST));

    private static final Set<String> LAYERS = Set.of(
            OCI_LAYER,
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            DOCKER_LAYER,
            "application/vnd.docker.image.rootfs.foreign.diff.tar");

    private MediaType() {}

    static boolean isIndex(String type) {
        return type.equals(OCI_INDEX) || type.equals(DOCKER_LIST);
    }

    static boolean isManifest(String type) {
        return type.equals(OCI_MANIFEST) || type.equals(DOCKER_MANIFEST);
    }

    static boolean isSchema1(String type) {
        return type.equals(DOCKER_SCHEMA_1) || type.equals(DOCKER_SCHEMA_1_SIGNED);
    }

    static boolean isConfig(String type) {
        return type.equals(OCI_CONFIG) || type.equals(DOCKER_CONFIG);
    }

    /** A file system layer, with any compression: which one, the bytes themselves tell. */
    static boolean isLayer(String type) {
        for (String suffix : List.of("", "+gzip", "+zstd", ".gzip", ".zstd")) {
            if (type.endsWith(suffix) && LAYERS.contains(type.substring(0, type.length() - suffix.length()))) {
                return true;
            }
        }
        return false;
    }

    /** The type of a {@code Content-Type} header, without parameters. */
    public static String ofHeader(String value) {
        int semicolon = value.indexOf(';');
        return (semicolon < 0 ? value : value.substring(0, semicolon)).strip().toLowerCase(Locale.ROOT);
    }
}
