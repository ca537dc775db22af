package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The manifests of a directory with their last good revisions, also of files that were broken before this agent started. Not
 * thread-safe.
 *
 * <ul>
 *   <li>A file counts as a whole: with one error in it, its last good revision goes on, all of it.
 *   <li>A file that became empty is an error: to stop a pod, its file is removed.
 *   <li>A pod or object belongs to the file that had it first; in any other file it is an error that names both.
 * </ul>
 */
final class ManifestSet {
    private static final String POD = "pod ";

    private final ManifestNode node;
    private final KeptRevisions revisions;
    private final Map<String, Revision> files = new TreeMap<>();
    private final Map<String, String> owners = new HashMap<>();
    private final Set<String> unsaved = new TreeSet<>();

    ManifestSet(ManifestNode node, KeptRevisions revisions) {
        this.node = node;
        this.revisions = revisions;
    }

    /**
     * A file's state.
     *
     * @param content as last read
     * @param pods of the last good revision
     * @param objects of the last good revision
     * @param errors of the last read, if it was bad
     */
    private record Revision(
            @Nullable ByteBuffer content,
            Map<String, Pod> pods,
            Map<String, HasMetadata> objects,
            List<ManifestError> errors) {
        static final Revision NONE = new Revision(null, Map.of(), Map.of(), List.of());

        boolean isEmpty() {
            return pods.isEmpty() && objects.isEmpty();
        }
    }

    /** Begins with what earlier agents kept, until the files themselves are read or known to be gone. */
    void restore(Instant seen) {
        revisions.load().forEach((file, content) -> {
            Revision revision = decode(file, content, seen, Revision.NONE);
            if (revision.errors().isEmpty()) {
                files.put(file, revision);
            } else {
                revisions.forget(file);
            }
        });
    }

    /** Keeps good revisions for the next agent; apart from reading them, because nothing need wait for it. */
    void save() {
        for (String file : unsaved) {
            Revision revision = files.get(file);
            if (revision != null
                    && revision.content() != null
                    && revision.errors().isEmpty()) {
                revisions.keep(file, revision.content().array());
            }
        }
        unsaved.clear();
    }

    /** A file's content, new or again. */
    void read(String file, byte[] content, Instant seen) {
        Revision before = files.get(file);
        if (before != null && ByteBuffer.wrap(content).equals(before.content())) {
            return;
        }
        Revision revision = decode(file, content, seen, before == null ? Revision.NONE : before);
        files.put(file, revision);
        if (revision.errors().isEmpty() && !revision.isEmpty()) {
            unsaved.add(file);
        }
    }

    private Revision decode(String file, byte[] content, Instant seen, Revision kept) {
        DecodedManifest manifest = ManifestDecoder.decode(file, content, node.unsupported());
        List<ManifestError> errors = new ArrayList<>(manifest.errors());
        if (errors.isEmpty() && manifest.pods().isEmpty() && manifest.objects().isEmpty() && !kept.isEmpty()) {
            errors.add(new ManifestError(
                    file,
                    Position.START,
                    "",
                    kept.pods().isEmpty()
                            ? "holds nothing any more: to remove its objects, remove the file"
                            : "holds no pod any more: to stop its pods, remove the file"));
        }
        Map<String, Pod> pods = new LinkedHashMap<>();
        for (DecodedManifest.DecodedPod decoded : manifest.pods()) {
            add(file, decoded, seen, kept.pods(), pods, errors);
        }
        Map<String, HasMetadata> objects = new LinkedHashMap<>();
        for (DecodedManifest.DecodedObject decoded : manifest.objects()) {
            add(file, decoded, kept.objects(), objects, errors);
        }
        return errors.isEmpty()
                ? new Revision(ByteBuffer.wrap(content), pods, objects, errors)
                : new Revision(ByteBuffer.wrap(content), kept.pods(), kept.objects(), errors);
    }

    private static void add(
            String file,
            DecodedManifest.DecodedObject decoded,
            Map<String, HasMetadata> kept,
            Map<String, HasMetadata> objects,
            List<ManifestError> errors) {
        HasMetadata same = kept.get(decoded.name());
        if (same != null) {
            ObjectValidation.validateUpdate(same, decoded.object())
                    .forEach(fault ->
                            errors.add(new ManifestError(file, decoded.position(), fault.field(), fault.message())));
        }
        HasMetadata object = decoded.object().equals(same) ? same : decoded.object();
        if (objects.putIfAbsent(decoded.name(), object) != null) {
            errors.add(new ManifestError(
                    file, decoded.position(), "metadata.name", decoded.name() + " occurs twice in this file"));
        }
    }

    private void add(
            String file,
            DecodedManifest.DecodedPod decoded,
            Instant seen,
            Map<String, Pod> kept,
            Map<String, Pod> pods,
            List<ManifestError> errors) {
        if (decoded.pod().getMetadata().getName() == null) {
            errors.add(new ManifestError(
                    file, decoded.position(), "metadata.name", "Required value: a pod from a file needs its own name"));
            return;
        }
        Optional<String> fault =
                StaticPods.nameFault(decoded.pod().getMetadata().getName(), node.name());
        if (fault.isPresent()) {
            errors.add(new ManifestError(file, decoded.position(), "metadata.name", fault.get()));
            return;
        }
        Pod pod = StaticPods.adopt(decoded, node.name(), file, seen);
        Pod same = kept.get(key(pod));
        boolean unchanged = same != null && hash(same).equals(hash(pod));
        if (pods.putIfAbsent(key(pod), unchanged ? same : pod) != null) {
            errors.add(new ManifestError(
                    file, decoded.position(), "metadata.name", "pod " + key(pod) + " occurs twice in this file"));
        }
    }

    /** A file that is there and cannot be read. */
    void unreadable(String file, String reason) {
        Revision kept = files.getOrDefault(file, Revision.NONE);
        files.put(
                file,
                new Revision(
                        null,
                        kept.pods(),
                        kept.objects(),
                        List.of(new ManifestError(file, Position.START, "", reason))));
    }

    void removed(String file) {
        unsaved.remove(file);
        if (files.remove(file) != null) {
            revisions.forget(file);
        }
    }

    /** Nothing is wrong with a path any more that holds no manifest itself: the directory. */
    void readable(String path) {
        files.remove(path);
    }

    Set<String> files() {
        return Set.copyOf(files.keySet());
    }

    ManifestSnapshot snapshot() {
        owners.entrySet().removeIf(owner -> {
            Revision revision = files.get(owner.getValue());
            return revision == null || !names(revision).contains(owner.getKey());
        });
        files.forEach((file, revision) -> names(revision).forEach(name -> owners.putIfAbsent(name, file)));
        Map<String, Pod> pods = new TreeMap<>();
        Map<String, HasMetadata> objects = new TreeMap<>();
        List<ManifestSnapshot.Problem> problems = new ArrayList<>();
        files.forEach((file, revision) -> {
            List<ManifestError> errors = new ArrayList<>(revision.errors());
            List<String> kept = new ArrayList<>();
            revision.pods().forEach((key, pod) -> {
                if (isOwner(file, POD + key, errors)) {
                    pods.put(key, pod);
                    kept.add(pod.getMetadata().getUid());
                }
            });
            revision.objects().forEach((name, object) -> {
                if (isOwner(file, name, errors)) {
                    objects.put(name, object);
                }
            });
            if (!errors.isEmpty()) {
                boolean broken = !revision.errors().isEmpty();
                problems.add(new ManifestSnapshot.Problem(
                        file, errors, broken ? kept : List.of(), broken && !revision.isEmpty()));
            }
        });
        sameUids(pods, problems);
        return new ManifestSnapshot(List.copyOf(pods.values()), List.copyOf(objects.values()), problems);
    }

    /** Whether a file is the one that a name counts for; else says so. */
    private boolean isOwner(String file, String name, List<ManifestError> errors) {
        String owner = owners.get(name);
        if (file.equals(owner)) {
            return true;
        }
        errors.add(new ManifestError(
                file,
                Position.START,
                "metadata.name",
                name + " is already in " + owner + ", which goes on; remove one of the two"));
        return false;
    }

    private static Set<String> names(Revision revision) {
        Set<String> names = new HashSet<>(revision.objects().keySet());
        revision.pods().keySet().forEach(key -> names.add(POD + key));
        return names;
    }

    /** A uid may be given in the manifest: then two pods can have the same one, and only the first can run. */
    private void sameUids(Map<String, Pod> pods, List<ManifestSnapshot.Problem> problems) {
        Set<String> uids = new HashSet<>();
        pods.entrySet().removeIf(entry -> {
            String uid = entry.getValue().getMetadata().getUid();
            if (uids.add(uid)) {
                return false;
            }
            String file = String.valueOf(owners.get(POD + entry.getKey()));
            problems.add(new ManifestSnapshot.Problem(
                    file,
                    List.of(new ManifestError(
                            file, Position.START, "metadata.uid", "uid " + uid + " belongs to another pod; remove it")),
                    List.of(),
                    false));
            return true;
        });
    }

    private static String key(Pod pod) {
        return pod.getMetadata().getNamespace() + "/" + pod.getMetadata().getName();
    }

    private static String hash(Pod pod) {
        return String.valueOf(pod.getMetadata().getAnnotations().get("kubernetes.io/config.hash"));
    }
}
