package dev.gantry.agent.config;

import dev.gantry.agent.log.ErrorText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Reads one configuration file into {@link Settings}; every error is noted with line and column. */
final class ConfigFile {
    private static final int MAX_BYTES = 1024 * 1024;

    private final String name;
    private final Settings settings;

    private ConfigFile(String name, Settings settings) {
        this.name = name;
        this.settings = settings;
    }

    static void read(Path path, Settings settings) {
        byte[] bytes;
        try {
            if (Files.size(path) > MAX_BYTES) {
                settings.error(path.toString(), "", "has more than 1 MiB; that is no configuration");
                return;
            }
            bytes = Files.readAllBytes(path);
        } catch (IOException e) {
            settings.error(
                    path.toString(), "", "cannot be read: " + ErrorText.of(e).replace(path + ": ", ""));
            return;
        }
        new ConfigFile(path.toString(), settings).read(new String(bytes, StandardCharsets.UTF_8));
    }

    static void read(String name, String text, Settings settings) {
        new ConfigFile(name, settings).read(text);
    }

    private void read(String text) {
        LoadSettings load = LoadSettings.builder()
                .setLabel(name)
                .setAllowDuplicateKeys(true)
                .setMaxAliasesForCollections(10)
                .setCodePointLimit(MAX_BYTES)
                .build();
        try {
            Optional<Node> document = new Compose(load).composeString(text);
            if (document.isEmpty()) {
                return;
            }
            if (document.get() instanceof MappingNode mapping) {
                object("", mapping);
            } else if (!(document.get() instanceof ScalarNode scalar
                    && scalar.getValue().isEmpty())) {
                settings.error(origin(document.get()), "", "expected fields like 'maxPods: 110'");
            }
        } catch (MarkedYamlEngineException e) {
            String place = e.getProblemMark().map(this::origin).orElse(name);
            settings.error(place, "", "is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            settings.error(name, "", "is not YAML: " + e.getMessage());
        }
    }

    private void object(String path, MappingNode mapping) {
        Set<String> seen = new HashSet<>();
        for (NodeTuple member : mapping.getValue()) {
            if (!(member.getKeyNode() instanceof ScalarNode key)) {
                settings.error(origin(member.getKeyNode()), path, "a field's name is a text");
                continue;
            }
            String field = path.isEmpty() ? key.getValue() : path + "." + key.getValue();
            if (!seen.add(key.getValue())) {
                settings.error(origin(key), field, "is there twice");
                continue;
            }
            member(field, key, member.getValueNode());
        }
    }

    private void member(String path, ScalarNode key, Node value) {
        Optional<Field> field = Schema.find(path);
        if (field.isPresent()) {
            value(field.get(), value);
        } else if (Schema.isGroup(path)) {
            if (value instanceof MappingNode mapping) {
                object(path, mapping);
            } else if (!isNull(value)) {
                settings.error(
                        origin(value),
                        path,
                        "expected an object with fields like " + String.join(", ", Schema.below(path)));
            }
        } else {
            int dot = path.lastIndexOf('.');
            String meant = Suggestions.nearest(key.getValue(), Schema.below(dot < 0 ? "" : path.substring(0, dot)))
                    .map(near -> "; did you mean '" + near + "'?")
                    .orElse("");
            settings.error(origin(key), path, "unknown field" + meant);
        }
    }

    private void value(Field field, Node value) {
        if (isNull(value)) {
            return;
        }
        if (field.type() == Field.Type.ANY) {
            settings.put(field, "set", origin(value));
            return;
        }
        if (field.type() == Field.Type.STRINGS) {
            strings(field, value);
            return;
        }
        if (field.type() == Field.Type.MAP) {
            map(field, value);
            return;
        }
        if (!(value instanceof ScalarNode scalar)) {
            settings.error(
                    origin(value),
                    field.path(),
                    "expected " + field.expected() + ", found "
                            + (value instanceof SequenceNode ? "a list" : "an object"));
            return;
        }
        boolean text = field.type() == Field.Type.STRING
                || field.type() == Field.Type.PATH
                || field.type() == Field.Type.ENUM
                || field.type() == Field.Type.DURATION
                || field.type() == Field.Type.QUANTITY;
        boolean quoted = scalar.getTag().equals(Tag.STR);
        boolean plainNumberAsQuantity =
                field.type() == Field.Type.QUANTITY && scalar.getTag().equals(Tag.INT);
        if (text && !quoted && !plainNumberAsQuantity) {
            settings.error(
                    origin(value),
                    field.path(),
                    "expected " + field.expected() + ", found " + scalar.getValue()
                            + ", which is no text; put it in quotes");
            return;
        }
        if (!text && quoted) {
            settings.error(
                    origin(value),
                    field.path(),
                    "expected " + field.expected() + ", found the text '" + scalar.getValue() + "'");
            return;
        }
        settings.put(field, scalar.getValue(), origin(value));
    }

    private void strings(Field field, Node value) {
        if (!(value instanceof SequenceNode sequence)) {
            settings.error(origin(value), field.path(), "expected " + field.expected());
            return;
        }
        List<String> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
            if (item instanceof ScalarNode scalar && scalar.getTag().equals(Tag.STR)) {
                items.add(scalar.getValue());
            } else {
                settings.error(origin(item), field.path() + "[" + items.size() + "]", "expected a text");
                items.add("");
            }
        }
        settings.put(field, String.join("\n", items), origin(value));
    }

    private void map(Field field, Node value) {
        if (!(value instanceof MappingNode mapping)) {
            settings.error(origin(value), field.path(), "expected " + field.expected());
            return;
        }
        List<String> entries = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (NodeTuple member : mapping.getValue()) {
            if (!(member.getKeyNode() instanceof ScalarNode key)
                    || !(member.getValueNode() instanceof ScalarNode one)
                    || (key.getValue() + one.getValue()).indexOf('\n') >= 0
                    || key.getValue().indexOf('=') >= 0) {
                settings.error(origin(member.getKeyNode()), field.path(), "expected a name with one value");
            } else if (seen.add(key.getValue())) {
                entries.add(key.getValue() + "=" + one.getValue());
            } else {
                settings.error(origin(key), field.path() + "[" + key.getValue() + "]", "is there twice");
            }
        }
        settings.put(field, String.join("\n", entries), origin(value));
    }

    private static boolean isNull(Node node) {
        return node.getTag().equals(Tag.NULL);
    }

    private String origin(Node node) {
        return node.getStartMark().map(this::origin).orElse(name);
    }

    private String origin(Mark mark) {
        return name + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1);
    }
}
