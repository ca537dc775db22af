package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.FieldError;
import dev.gantry.staticpods.PodValidation;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/compatibility.md}: every field of a pod's specification, whether the agent refuses it, and which tests set
 * it. The document is compared with what this test finds; {@code -Dgantry.docs=write} writes it.
 */
class CompatibilityDocumentTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path DOCUMENT = ROOT.resolve("docs/compatibility.md");

    /** The version that could do whatever no remark gives another version for. */
    private static final String FIRST = "0.1";

    /** What no pod of Linux may have. */
    private static final String INVALID = ".windowsOptions";

    /** Structures of which only the field that holds them matters here. */
    private static final Set<String> WHOLE = Set.of(
            "spec.affinity",
            "spec.tolerations[]",
            "spec.topologySpreadConstraints[]",
            "spec.resourceClaims[]",
            "spec.schedulingGates[]",
            "spec.workloadRef",
            "spec.schedulingGroup",
            "spec.initContainers[]",
            "spec.ephemeralContainers[]",
            "spec.volumes[].ephemeral",
            "spec.volumes[].csi");

    /** Sources of volumes that are looked into; of the others the name is all. */
    private static final Set<String> SOURCES = Set.of(
            "configMap",
            "secret",
            "emptyDir",
            "hostPath",
            "downwardAPI",
            "projected",
            "image",
            "persistentVolumeClaim");

    /** One row. */
    private record Row(String path, boolean refused, boolean unit, boolean kernel, String since, String remark) {
        boolean isTested() {
            return !refused && (unit || kernel);
        }

        String verdict() {
            return refused ? "refused" : isTested() ? "yes" : "accepted";
        }

        String tests() {
            return Stream.of(unit ? "unit" : "", kernel ? "kernel" : "")
                    .filter(kind -> !kind.isEmpty())
                    .collect(Collectors.joining(", "));
        }
    }

    /** Reads the tests once. */
    private final Map<String, String> sources = new TreeMap<>();

    @Test
    void theDocumentSaysWhatTheAgentDoes() throws Exception {
        readTests();
        List<Row> rows = new ArrayList<>();
        Properties remarks = remarks();
        for (Map.Entry<String, Pod> entry : samples().entrySet()) {
            String path = entry.getKey();
            rows.add(new Row(
                    path,
                    isRefused(path, entry.getValue()),
                    isSetByATest(path, name -> !name.endsWith("IT")),
                    isSetByATest(path, name -> name.endsWith("IT")),
                    String.valueOf(remarks.getOrDefault("since." + path, FIRST)),
                    String.valueOf(remarks.getOrDefault(path, ""))));
        }
        assertThat(rows.stream().map(Row::path))
                .as("fields with a remark exist")
                .containsAll(remarks.stringPropertyNames());
        String text = render(rows);
        if ("write".equals(System.getProperty("gantry.docs"))) {
            Files.writeString(DOCUMENT, text);
        }
        assertThat(Files.readString(DOCUMENT))
                .as("docs/compatibility.md; write it anew with -Dgantry.docs=write")
                .isEqualTo(text);
    }

    private static Properties remarks() throws IOException {
        Properties remarks = new Properties();
        try (var in = CompatibilityDocumentTest.class.getResourceAsStream("compatibility.properties")) {
            remarks.load(new InputStreamReader(Objects.requireNonNull(in), StandardCharsets.UTF_8));
        }
        return remarks;
    }

    // ---- fields

    /** For each field a pod that sets it. */
    private static Map<String, Pod> samples() throws ReflectiveOperationException {
        Map<String, Pod> samples = new LinkedHashMap<>();
        walk("spec", PodSpec.class, List.of(), samples);
        return samples;
    }

    private static void walk(String path, Class<?> type, List<Field> way, Map<String, Pod> samples)
            throws ReflectiveOperationException {
        for (Field field : fields(type)) {
            String name = path + "." + field.getName();
            List<Field> longer = Stream.concat(way.stream(), Stream.of(field)).toList();
            String shown = isList(field) ? name + "[]" : name;
            samples.put(shown, podWith(longer));
            Class<?> element = elementType(field);
            boolean model = element.getPackageName().startsWith("io.fabric8.kubernetes.api.model")
                    && element != Quantity.class
                    && !element.getSimpleName().equals("IntOrString");
            boolean otherSource = path.equals("spec.volumes[]") && !SOURCES.contains(field.getName());
            if (model
                    && !WHOLE.contains(shown)
                    && !otherSource
                    && !longer.subList(0, longer.size() - 1).contains(field)) {
                walk(shown, element, longer, samples);
            }
        }
    }

    private static List<Field> fields(Class<?> type) {
        return Stream.of(type.getDeclaredFields())
                .filter(field -> !Modifier.isStatic(field.getModifiers())
                        && !field.getName().equals("additionalProperties"))
                .toList();
    }

    private static boolean isList(Field field) {
        return List.class.isAssignableFrom(field.getType());
    }

    private static Class<?> elementType(Field field) {
        Type type = field.getGenericType();
        if (type instanceof ParameterizedType parameterized) {
            Type last = parameterized.getActualTypeArguments()[parameterized.getActualTypeArguments().length - 1];
            return last instanceof Class<?> plain ? plain : Object.class;
        }
        return field.getType();
    }

    private static Pod podWith(List<Field> way) throws ReflectiveOperationException {
        PodSpec spec = new PodSpec();
        Object target = spec;
        for (int i = 0; i < way.size(); i++) {
            Field field = way.get(i);
            field.setAccessible(true);
            boolean last = i == way.size() - 1;
            Object value =
                    last ? sample(field) : elementType(field).getConstructor().newInstance();
            if (!last || isModel(value)) {
                nameIt(value);
            }
            field.set(target, isList(field) ? new ArrayList<>(List.of(value)) : wrapped(field, value));
            target = value;
        }
        if (spec.getContainers() == null || spec.getContainers().isEmpty()) {
            Container container = new Container();
            container.setName("app");
            spec.setContainers(new ArrayList<>(List.of(container)));
        }
        return new PodBuilder()
                .withNewMetadata()
                .withName("sample")
                .withNamespace("default")
                .endMetadata()
                .withSpec(spec)
                .build();
    }

    private static Object wrapped(Field field, Object value) {
        return Map.class.isAssignableFrom(field.getType()) ? new LinkedHashMap<>(Map.of("key", value)) : value;
    }

    private static boolean isModel(Object value) {
        return value.getClass().getPackageName().startsWith("io.fabric8");
    }

    private static void nameIt(Object value) throws ReflectiveOperationException {
        for (Field field : fields(value.getClass())) {
            if (field.getName().equals("name") && field.getType() == String.class) {
                field.setAccessible(true);
                field.set(value, "sample");
            }
        }
    }

    private static Object sample(Field field) throws ReflectiveOperationException {
        Class<?> type = elementType(field);
        if (type == String.class) {
            return "sample";
        } else if (type == Integer.class) {
            return 1;
        } else if (type == Long.class) {
            return 1L;
        } else if (type == Boolean.class) {
            // the one field whose default is true and whose other value says something
            return !field.getName().equals("hostUsers");
        } else if (type == Quantity.class) {
            return new Quantity("1");
        } else if (type.getSimpleName().equals("IntOrString")) {
            return type.getConstructor(Object.class).newInstance(1);
        } else if (isInstantiable(type)) {
            return type.getConstructor().newInstance();
        }
        return "sample";
    }

    private static boolean isInstantiable(Class<?> type) {
        return type != Object.class && !type.isInterface() && !Modifier.isAbstract(type.getModifiers());
    }

    private static boolean isRefused(String path, Pod pod) {
        String plain = path.replace("[]", "");
        Stream<FieldError> invalid = PodValidation.validate(pod).stream()
                .filter(error -> error.type() == FieldError.Type.FORBIDDEN
                        && error.field().endsWith(INVALID));
        return Stream.concat(PodSupport.unsupported(pod).stream(), invalid)
                .map(CompatibilityDocumentTest::fieldOf)
                .anyMatch(refused -> plain.equals(refused) || plain.startsWith(refused + "."));
    }

    private static String fieldOf(FieldError error) {
        return error.field().replaceAll("\\[\\d+]", "");
    }

    // ---- tests

    private void readTests() throws IOException {
        for (Path module : children(ROOT)) {
            Path tests = module.resolve("src/test/java");
            if (Files.isDirectory(tests)) {
                try (Stream<Path> files = Files.walk(tests)) {
                    for (Path file : files.filter(one -> one.toString().matches(".*(Test|IT)\\.java"))
                            .toList()) {
                        String name = String.valueOf(file.getFileName()).replace(".java", "");
                        if (!name.equals(getClass().getSimpleName())) {
                            sources.merge(name, Files.readString(file), String::concat);
                        }
                    }
                }
            }
        }
    }

    private static List<Path> children(Path directory) throws IOException {
        try (Stream<Path> children = Files.list(directory)) {
            return children.sorted().toList();
        }
    }

    /** A test sets a field if it names it as YAML, JSON or a builder does, and what holds it too. */
    private boolean isSetByATest(String path, Predicate<String> kind) {
        List<String> names = List.of(path.replace("[]", "").split("\\."));
        Pattern leaf = naming(names.get(names.size() - 1));
        Pattern holder = names.size() > 2 ? naming(names.get(names.size() - 2)) : Pattern.compile("");
        return sources.entrySet().stream()
                .filter(source -> kind.test(source.getKey()))
                .map(Map.Entry::getValue)
                .anyMatch(text ->
                        leaf.matcher(text).find() && holder.matcher(text).find());
    }

    private static Pattern naming(String field) {
        String quoted = Pattern.quote(field);
        String capital = Pattern.quote(Character.toUpperCase(field.charAt(0)) + field.substring(1));
        String singular = capital.endsWith("s\\E") ? "|" + capital.substring(0, capital.length() - 3) + "\\E" : "";
        return Pattern.compile("\\b" + quoted + "\\\\?\"?\\s*:|\\b(with|withNew|addTo|addNew|edit|set|new)(" + capital
                + singular + ")\\(");
    }

    // ---- the document

    private static String render(List<Row> rows) {
        StringBuilder text = new StringBuilder("""
                # Compatibility

                Every field of a pod's `spec` in Kubernetes 1.36, written by a test from the model, the agent and the other tests.

                - **yes**: tests set the field. **accepted**: a pod may have it; no test depends on it, the
                  remark says why. **refused**: a pod with it is refused, and the message names the field.
                - Tests: `unit` decide or compile, `kernel` look at real pods; found by the names of a field and of its parent in them.
                - Fields of `initContainers[]` and `ephemeralContainers[]` are those of `containers[]`.

                """);
        long refused = rows.stream().filter(Row::refused).count();
        long tested = rows.stream().filter(Row::isTested).count();
        text.append("%d fields: %d yes, %d accepted, %d refused.\n"
                .formatted(rows.size(), tested, rows.size() - refused - tested, refused));
        Map<String, List<Row>> sections = rows.stream()
                .collect(Collectors.groupingBy(
                        CompatibilityDocumentTest::section, LinkedHashMap::new, Collectors.toList()));
        sections.forEach((section, fields) -> {
            text.append("\n## ")
                    .append(section)
                    .append("\n\n| field | here | since | tests | remarks |\n|---|---|---|---|---|\n");
            fields.forEach(row -> text.append("| `%s` | %s | %s | %s | %s |\n"
                    .formatted(
                            row.path().substring(section.length() + 1),
                            row.verdict(),
                            row.refused() ? "" : row.since(),
                            row.tests(),
                            row.remark())));
        });
        return text.toString();
    }

    private static String section(Row row) {
        for (String section : List.of(
                "spec.containers[].securityContext",
                "spec.containers[].lifecycle",
                "spec.containers[].livenessProbe",
                "spec.containers[].readinessProbe",
                "spec.containers[].startupProbe",
                "spec.containers[].env[]",
                "spec.containers[]",
                "spec.securityContext",
                "spec.volumes[]")) {
            if (row.path().startsWith(section + ".")) {
                return section;
            }
        }
        return "spec";
    }
}
