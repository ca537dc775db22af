package dev.gantry.agent.pod;

/** Where a pod's manifest comes from; written on the pod as annotation {@value #ANNOTATION}. */
public enum PodSource {
    /** Manifests in a watched directory, or one watched file. */
    FILE("file"),
    /** Created through the local API ({@code gantry run}, kubectl). */
    API("api");

    /** The annotation that holds {@link #text()}, as the kubelet spells it. */
    public static final String ANNOTATION = "kubernetes.io/config.source";

    private final String text;

    PodSource(String text) {
        this.text = text;
    }

    /** The annotation's value. */
    public String text() {
        return text;
    }
}
