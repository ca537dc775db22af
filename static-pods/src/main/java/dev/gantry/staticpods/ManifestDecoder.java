package dev.gantry.staticpods;

import dev.gantry.staticpods.Syntax.SyntaxException;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads manifests strictly: YAML or JSON, several documents per file, every field known, typed and valid, or an error
 * that says where. Reports all errors of a file, not the first.
 */
public final class ManifestDecoder {
    private static final List<String> KINDS =
            List.of("Pod", "ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim");
    /** What pods refer to. */
    private static final Map<String, Class<? extends HasMetadata>> OBJECTS = Map.of(
            "ConfigMap", ConfigMap.class,
            "Secret", Secret.class,
            "PersistentVolume", PersistentVolume.class,
            "PersistentVolumeClaim", PersistentVolumeClaim.class);

    /** What pods are read for. */
    private enum Use {
        CREATE,
        PRESENT,
        RECORD
    }

    private final String file;
    private final Use use;
    private final Function<Pod, List<FieldError>> unsupported;
    private final ManifestErrors errors;
    private final List<DecodedManifest.DecodedPod> pods = new ArrayList<>();
    private final List<DecodedManifest.DecodedObject> objects = new ArrayList<>();

    private ManifestDecoder(String file, Use use, Function<Pod, List<FieldError>> unsupported) {
        this.file = file;
        this.use = use;
        this.unsupported = unsupported;
        this.errors = new ManifestErrors(file);
    }

    /**
     * Decodes a manifest, fills in the API's defaults and validates.
     *
     * @param file its name as errors show it; {@code .json} makes it JSON, anything else YAML (which may be JSON too)
     */
    public static DecodedManifest decode(String file, byte[] content) {
        return decode(file, content, pod -> List.of());
    }

    /**
     * The same where not every valid pod can be had.
     *
     * @param unsupported the fields of a pod, its spec present, that cannot be honoured; they are errors of the file too
     */
    public static DecodedManifest decode(String file, byte[] content, Function<Pod, List<FieldError>> unsupported) {
        return decode(new ManifestDecoder(file, Use.CREATE, unsupported), content);
    }

    /** The same for pods that exist: they may have what can only be added to a pod, such as ephemeral containers. */
    public static DecodedManifest decodePresent(String file, byte[] content) {
        return decode(new ManifestDecoder(file, Use.PRESENT, pod -> List.of()), content);
    }

    /**
     * What an agent wrote of a pod that it had let in: typed and with defaults, not validated, so that no rule of a later
     * version loses a pod that runs.
     */
    public static DecodedManifest decodeRecord(String file, byte[] content) {
        return decode(new ManifestDecoder(file, Use.RECORD, pod -> List.of()), content);
    }

    private static DecodedManifest decode(ManifestDecoder decoder, byte[] content) {
        decoder.file(content);
        return new DecodedManifest(decoder.pods, decoder.objects, decoder.errors.found());
    }

    private void file(byte[] content) {
        Syntax.Bounds bounds = use == Use.RECORD ? Syntax.Bounds.RECORD : Syntax.Bounds.MANIFEST;
        if (content.length > bounds.bytes()) {
            error(
                    Position.START,
                    "",
                    "larger than " + (bounds.bytes() >> 20) + " MiB (" + content.length
                            + " bytes): split it into several files");
            return;
        }
        String text = utf8(content);
        if (text == null) {
            return;
        }
        try {
            YamlReader.Documents documents = isJson(text) ? JsonReader.read(text, bounds) : YamlReader.read(text);
            documents.problems().forEach(problem -> error(problem.position(), "", problem.message()));
            documents.nodes().forEach(this::document);
        } catch (SyntaxException e) {
            error(e.position(), "", String.valueOf(e.getMessage()));
        }
    }

    private boolean isJson(String text) {
        return file.toLowerCase(Locale.ROOT).endsWith(".json")
                || (text.stripLeading().startsWith("{") && text.stripTrailing().endsWith("}"));
    }

    private @Nullable String utf8(byte[] content) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        CharBuffer text = CharBuffer.allocate(content.length);
        var decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        try {
            var result = decoder.decode(bytes, text, true);
            if (result.isError()) {
                result.throwException();
            }
        } catch (CharacterCodingException e) {
            int line = 1;
            int column = 1;
            for (int i = 0; i < bytes.position(); i++) {
                column = content[i] == '\n' ? 1 : column + 1;
                line = content[i] == '\n' ? line + 1 : line;
            }
            error(
                    new Position(line, column),
                    "",
                    "not UTF-8: byte 0x%02x at offset %d; save the file as UTF-8"
                            .formatted(content[bytes.position()], bytes.position()));
            return null;
        }
        String result = text.flip().toString();
        return result.startsWith("\uFEFF") ? result.substring(1) : result;
    }

    private void document(Node node) {
        if (!(node instanceof Node.Mapping mapping)) {
            error(node.position(), "", "expected an object with apiVersion and kind, found " + node.describe());
            return;
        }
        String apiVersion = header(mapping, "apiVersion", "v1");
        String kind = header(mapping, "kind", "Pod");
        if (apiVersion == null || kind == null) {
            return;
        }
        if (!KINDS.contains(kind)) {
            error(
                    mapping.find("kind"),
                    "kind",
                    "a manifest cannot hold a " + kind + " here"
                            + ModelReader.suggestion(kind, KINDS)
                            + (kind.equals("List") || kind.endsWith("List")
                                    ? "; put its items into the file as documents separated by '---'"
                                    : "; supported: " + String.join(", ", KINDS)));
            return;
        }
        if (!apiVersion.equals("v1")) {
            error(
                    mapping.find("apiVersion"),
                    "apiVersion",
                    "expected \"v1\" for a " + kind + ", found \"" + apiVersion + "\"");
            return;
        }
        Class<? extends HasMetadata> type = OBJECTS.get(kind);
        if (type == null) {
            pod(mapping);
        } else {
            object(mapping, type);
        }
    }

    private @Nullable String header(Node.Mapping mapping, String field, String example) {
        Node node = mapping.get(field).orElse(null);
        if (node == null) {
            error(mapping.position(), field, "missing, expected for example \"" + example + "\"");
            return null;
        }
        if (node instanceof Node.Scalar scalar && scalar.value() instanceof String text && !text.isEmpty()) {
            return text;
        }
        error(node.position(), field, "expected a string such as \"" + example + "\", found " + node.describe());
        return null;
    }

    private void pod(Node.Mapping mapping) {
        int before = errors.size();
        Pod pod = new ModelReader(errors).read(mapping, Pod.class);
        boolean typed = errors.size() == before;
        if (pod.getMetadata() == null) {
            pod.setMetadata(new ObjectMeta());
        }
        if (pod.getSpec() != null) {
            PodDefaults.apply(pod);
        }
        if (!errors.isFull() && use != Use.RECORD) {
            List<FieldError> faults = new ArrayList<>(
                    use == Use.PRESENT ? PodValidation.validatePresent(pod) : PodValidation.validate(pod));
            if (pod.getSpec() != null) {
                faults.addAll(unsupported.apply(pod));
            }
            report(mapping, before, typed, faults);
        }
        if (errors.size() == before) {
            pods.add(new DecodedManifest.DecodedPod(pod, Canonical.text(mapping), mapping.position()));
        }
    }

    private void object(Node.Mapping mapping, Class<? extends HasMetadata> type) {
        int before = errors.size();
        HasMetadata object = new ModelReader(errors).read(mapping, type);
        boolean typed = errors.size() == before;
        if (object.getMetadata() == null) {
            object.setMetadata(new ObjectMeta());
        }
        ObjectDefaults.apply(object);
        report(mapping, before, typed, ObjectValidation.validate(object));
        if (errors.size() == before) {
            objects.add(new DecodedManifest.DecodedObject(object, mapping.position()));
        }
    }

    /** What was typed wrong is missing from the object: it is not reported a second time as missing. */
    private void report(Node.Mapping mapping, int before, boolean typed, List<FieldError> faults) {
        List<String> wrong = errors.fieldsSince(before);
        for (FieldError fault : faults) {
            boolean consequence = !typed
                    && fault.type() != FieldError.Type.DUPLICATE
                    && wrong.stream()
                            .anyMatch(path -> path.startsWith(fault.field())
                                    || fault.field().startsWith(path));
            if (!consequence) {
                error(mapping.find(fault.field()), fault.field(), fault.message());
            }
        }
    }

    private void error(Position position, String field, String message) {
        errors.add(position, field, message);
    }
}
