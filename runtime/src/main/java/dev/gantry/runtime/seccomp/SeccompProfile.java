package dev.gantry.runtime.seccomp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Which system calls a container may make: OCI's {@code linux.seccomp} with Docker's {@code includes} and {@code
 * excludes}.
 *
 * @param flags SECCOMP_FILTER_FLAG_… for seccomp(2)
 * @param architectures whose numbers the profile covers; empty: the machine's whole family
 */
public record SeccompProfile(
        SeccompAction defaultAction, List<SeccompRule> rules, int flags, Set<String> architectures) {
    /** linux/seccomp.h: do not turn on speculation mitigations for every filtered process. */
    private static final int FILTER_FLAG_SPEC_ALLOW = 4;

    private static final int FILTER_FLAG_LOG = 2;

    private static final Set<String> KEYS = Set.of(
            "defaultAction",
            "defaultErrnoRet",
            "defaultErrno",
            "architectures",
            "archMap",
            "flags",
            "listenerPath",
            "listenerMetadata",
            "syscalls");

    private static final Set<String> RULE_KEYS =
            Set.of("names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes");

    public SeccompProfile {
        rules = List.copyOf(rules);
        architectures = Set.copyOf(architectures);
    }

    /** What {@code RuntimeDefault} means: containerd's table. */
    public static SeccompProfile runtimeDefault() {
        return RuntimeDefault.PROFILE;
    }

    /**
     * Reads a profile file.
     *
     * @param source named in errors
     */
    public static SeccompProfile parse(String json, String source) throws SeccompProfileException {
        JsonNode root;
        try {
            root = new ObjectMapper()
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .readTree(json);
        } catch (JsonProcessingException e) {
            throw new SeccompProfileException("seccomp profile '%s': %s".formatted(source, e.getOriginalMessage()));
        }
        return new Reader(source).profile(root);
    }

    private static final class RuntimeDefault {
        static final SeccompProfile PROFILE = read();

        private static SeccompProfile read() {
            try (InputStream in =
                    Objects.requireNonNull(SeccompProfile.class.getResourceAsStream("runtime-default.json"))) {
                return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), "RuntimeDefault");
            } catch (IOException e) {
                throw new UncheckedIOException("read the built-in runtime-default.json", e);
            } catch (SeccompProfileException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static final class Reader {
        private final String source;

        Reader(String source) {
            this.source = source;
        }

        SeccompProfile profile(JsonNode root) throws SeccompProfileException {
            if (!root.isObject()) {
                throw failure("must be a JSON object");
            }
            refuseUnknown(root, KEYS, "");
            if (root.hasNonNull("listenerPath")
                    && !root.get("listenerPath").asText().isEmpty()) {
                throw failure("listenerPath: user notification is not supported");
            }
            int errno = errnoOf(root, "defaultErrnoRet", "");
            SeccompAction defaultAction = action(text(root, "defaultAction", ""), errno, "defaultAction");
            List<SeccompRule> rules = new ArrayList<>();
            int i = 0;
            for (JsonNode rule : root.path("syscalls")) {
                rules.addAll(rules(rule, "syscalls[" + i + "]."));
                i++;
            }
            return new SeccompProfile(defaultAction, rules, flags(root), architectures(root));
        }

        private Set<String> architectures(JsonNode root) {
            Set<String> names = texts(root.path("architectures"));
            for (JsonNode entry : root.path("archMap")) {
                names.add(entry.path("architecture").asText());
                names.addAll(texts(entry.path("subArchitectures")));
            }
            return names;
        }

        private int flags(JsonNode root) throws SeccompProfileException {
            int flags = FILTER_FLAG_SPEC_ALLOW;
            for (String flag : texts(root.path("flags"))) {
                flags |= switch (flag) {
                    case "SECCOMP_FILTER_FLAG_SPEC_ALLOW" -> FILTER_FLAG_SPEC_ALLOW;
                    case "SECCOMP_FILTER_FLAG_LOG" -> FILTER_FLAG_LOG;
                    // A child with one thread has nobody to synchronise with.
                    case "SECCOMP_FILTER_FLAG_TSYNC" -> 0;
                    default -> throw failure("flags: '%s' is not supported".formatted(flag));
                };
            }
            return flags;
        }

        private List<SeccompRule> rules(JsonNode node, String at) throws SeccompProfileException {
            refuseUnknown(node, RULE_KEYS, at);
            Set<String> names = texts(node.path("names"));
            if (node.hasNonNull("name")) {
                names.add(node.get("name").asText());
            }
            if (names.isEmpty()) {
                throw failure(at + "names: at least one system call is needed");
            }
            SeccompAction action = action(text(node, "action", at), errnoOf(node, "errnoRet", at), at + "action");
            List<ArgumentCheck> checks = new ArrayList<>();
            Set<Integer> indexes = new HashSet<>();
            boolean repeated = false;
            for (JsonNode argument : node.path("args")) {
                ArgumentCheck check = argument(argument, at + "args[" + checks.size() + "]");
                repeated |= !indexes.add(check.index());
                checks.add(check);
            }
            JsonNode includes = node.path("includes");
            JsonNode excludes = node.path("excludes");
            List<SeccompRule> rules = new ArrayList<>();
            // runc's reading: several checks of one argument are alternatives, else all must hold.
            for (List<ArgumentCheck> set :
                    repeated ? checks.stream().map(List::of).toList() : List.of(List.copyOf(checks))) {
                rules.add(new SeccompRule(
                        names,
                        action,
                        set,
                        texts(includes.path("caps")),
                        texts(excludes.path("caps")),
                        texts(includes.path("arches"))));
            }
            return rules;
        }

        private ArgumentCheck argument(JsonNode node, String at) throws SeccompProfileException {
            String name = text(node, "op", at + ".");
            if (!name.startsWith("SCMP_CMP_")) {
                throw failure("%s.op: '%s' is no comparison".formatted(at, name));
            }
            try {
                return new ArgumentCheck(
                        node.path("index").asInt(),
                        ArgumentCheck.Operator.valueOf(name.substring("SCMP_CMP_".length())),
                        number(node.path("value")),
                        number(node.path("valueTwo")));
            } catch (IllegalArgumentException e) {
                throw failure("%s: '%s': %s".formatted(at, name, e.getMessage()));
            }
        }

        private static long number(JsonNode node) {
            return node.isMissingNode() ? 0 : node.bigIntegerValue().longValue();
        }

        private SeccompAction action(String name, int errno, String at) throws SeccompProfileException {
            try {
                return switch (name) {
                    case "SCMP_ACT_ALLOW" -> SeccompAction.ALLOW;
                    case "SCMP_ACT_ERRNO" -> SeccompAction.errno(errno);
                    case "SCMP_ACT_LOG" -> SeccompAction.LOG;
                    case "SCMP_ACT_TRAP" -> SeccompAction.TRAP;
                    case "SCMP_ACT_TRACE" -> SeccompAction.trace(errno);
                    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" -> SeccompAction.KILL_THREAD;
                    case "SCMP_ACT_KILL_PROCESS" -> SeccompAction.KILL_PROCESS;
                    default -> throw failure("%s: '%s' is not supported".formatted(at, name));
                };
            } catch (IllegalArgumentException e) {
                throw failure("%s: %s".formatted(at, e.getMessage()));
            }
        }

        private int errnoOf(JsonNode node, String key, String at) throws SeccompProfileException {
            JsonNode value = node.path(key);
            if (value.isMissingNode() || value.isNull()) {
                return SeccompAction.EPERM;
            }
            if (!value.isIntegralNumber()) {
                throw failure("%s%s: must be a number, is %s".formatted(at, key, value));
            }
            return value.asInt();
        }

        private String text(JsonNode node, String key, String at) throws SeccompProfileException {
            JsonNode value = node.path(key);
            if (!value.isTextual()) {
                throw failure("%s%s: must be a string".formatted(at, key));
            }
            return value.asText();
        }

        private static Set<String> texts(JsonNode array) {
            Set<String> texts = new HashSet<>();
            array.forEach(item -> texts.add(item.asText()));
            return texts;
        }

        private void refuseUnknown(JsonNode node, Set<String> known, String at) throws SeccompProfileException {
            for (var names = node.fieldNames(); names.hasNext(); ) {
                String name = names.next();
                if (!known.contains(name)) {
                    throw failure("unknown field '%s%s'".formatted(at, name));
                }
            }
        }

        private SeccompProfileException failure(String reason) {
            return new SeccompProfileException("seccomp profile '%s': %s".formatted(source, reason));
        }
    }
}
