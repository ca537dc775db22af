package dev.gantry.images;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of an image in full: registry, repository and a tag, a digest or both.
 *
 * <p>Short forms mean what every user of containers expects: {@code busybox} is
 * {@code docker.io/library/busybox:latest}.
 *
 * @param registry host name or address with an optional port, e.g. {@code docker.io}, {@code localhost:5000},
 *     {@code [::1]:5000}
 * @param repository path in the registry, e.g. {@code library/busybox}
 * @param tag present when the name had one, or when it had neither tag nor digest ({@code latest})
 * @param digest present when the name asks for exactly this manifest or index; then it rules, not the tag
 * @see <a href="https://github.com/distribution/reference">the reference grammar</a>
 */
public record ImageReference(String registry, String repository, Optional<String> tag, Optional<Digest> digest) {
    /** The registry of a name without one. */
    public static final String DOCKER_HUB = "docker.io";

    private static final String OLD_DOCKER_HUB = "index.docker.io";
    private static final String DEFAULT_TAG = "latest";
    /** Of the repository with its registry, as the grammar has it. */
    private static final int LONGEST_NAME = 255;

    private static final int LONGEST_REFERENCE = 1024;

    private static final Pattern REGISTRY = Pattern.compile("(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
            + "(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:]+])(?::[0-9]{1,5})?");
    private static final Pattern COMPONENT = Pattern.compile("[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*");
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    private static final Pattern HEX_64 = Pattern.compile("[0-9a-f]{64}");

    public ImageReference {
        if (!REGISTRY.matcher(registry).matches() || !isPort(registry)) {
            throw new IllegalArgumentException("'" + Quoted.cut(registry) + "' is not a registry host[:port]");
        }
        if (repository.length() + registry.length() + 1 > LONGEST_NAME) {
            throw new IllegalArgumentException("repository name '" + Quoted.cut(repository, 60) + "' is longer than "
                    + LONGEST_NAME + " characters");
        }
        for (String component : repository.split("/", -1)) {
            if (!COMPONENT.matcher(component).matches()) {
                throw new IllegalArgumentException("repository '" + Quoted.cut(repository) + "': '"
                        + Quoted.cut(component)
                        + "' is not lower-case letters and digits, separated by '.', '_', '__' or '-'");
            }
        }
        tag.ifPresent(t -> {
            if (!TAG.matcher(t).matches()) {
                throw new IllegalArgumentException("tag '" + Quoted.cut(t)
                        + "' is not 1 to 128 letters, digits, '_', '.', '-' with no '.' or '-' at its start");
            }
        });
        if (tag.isEmpty() && digest.isEmpty()) {
            throw new IllegalArgumentException("image name '" + repository + "' has neither tag nor digest");
        }
    }

    /**
     * Reads a name as users write it.
     *
     * @throws IllegalArgumentException if it is outside the grammar; the message says which part and why
     */
    public static ImageReference parse(String text) {
        try {
            return parseParts(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("image name '" + Quoted.cut(text) + "': " + e.getMessage(), e);
        }
    }

    private static ImageReference parseParts(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is empty");
        }
        if (text.length() > LONGEST_REFERENCE) {
            throw new IllegalArgumentException("it is longer than " + LONGEST_REFERENCE + " characters");
        }
        if (HEX_64.matcher(text).matches()) {
            throw new IllegalArgumentException("64 hexadecimal digits are an image id, not a name");
        }
        String rest = text;
        Optional<Digest> digest = Optional.empty();
        int at = rest.indexOf('@');
        if (at >= 0) {
            digest = Optional.of(Digest.parse(rest.substring(at + 1)));
            rest = rest.substring(0, at);
        }
        Optional<String> tag = Optional.empty();
        int colon = rest.lastIndexOf(':');
        if (colon > rest.lastIndexOf('/')) {
            tag = Optional.of(rest.substring(colon + 1));
            rest = rest.substring(0, colon);
        } else if (digest.isEmpty()) {
            tag = Optional.of(DEFAULT_TAG);
        }
        int slash = rest.indexOf('/');
        String registry = DOCKER_HUB;
        if (slash >= 0 && isRegistry(rest.substring(0, slash))) {
            registry = rest.substring(0, slash);
            rest = rest.substring(slash + 1);
        }
        if (registry.equals(OLD_DOCKER_HUB)) {
            registry = DOCKER_HUB;
        }
        if (registry.equals(DOCKER_HUB) && rest.indexOf('/') < 0) {
            rest = "library/" + rest;
        }
        return new ImageReference(registry, rest, tag, digest);
    }

    /** The first component is a host when it cannot be part of a path: a dot, a port, upper case, or {@code localhost}. */
    private static boolean isRegistry(String first) {
        return first.equals("localhost")
                || first.indexOf('.') >= 0
                || first.indexOf(':') >= 0
                || !first.equals(first.toLowerCase(java.util.Locale.ROOT));
    }

    private static boolean isPort(String registry) {
        int colon = registry.lastIndexOf(':');
        if (colon < 0 || registry.endsWith("]")) {
            return true;
        }
        int port = Integer.parseInt(registry.substring(colon + 1));
        return port >= 1 && port <= 65535;
    }

    /** Registry and repository: {@code docker.io/library/busybox}. */
    public String name() {
        return registry + "/" + repository;
    }

    /** What to ask the registry for: the digest if there is one, else the tag. */
    public String target() {
        return digest.map(Digest::toString).orElseGet(tag::orElseThrow);
    }

    /** The same repository by tag only, e.g. {@code docker.io/library/busybox:latest}; empty if there is no tag. */
    public Optional<String> tagged() {
        return tag.map(t -> name() + ":" + t);
    }

    /** This repository at the digest, without a tag. */
    public ImageReference at(Digest other) {
        return new ImageReference(registry, repository, Optional.empty(), Optional.of(other));
    }

    /** As short as users write it: {@code busybox:latest}, {@code quay.io/a/b@sha256:…}. */
    public String familiar() {
        String prefix = DOCKER_HUB + "/";
        String full = toString();
        if (!full.startsWith(prefix)) {
            return full;
        }
        String path = full.substring(prefix.length());
        return repository.startsWith("library/") && repository.indexOf('/', 8) < 0 ? path.substring(8) : path;
    }

    /** In full: {@code docker.io/library/busybox:latest}. Parsing it gives an equal reference. */
    @Override
    public String toString() {
        return name()
                + tag.map(t -> ":" + t).orElse("")
                + digest.map(d -> "@" + d).orElse("");
    }
}
