package dev.gantry.staticpods;

import dev.gantry.staticpods.Syntax.SyntaxException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Reads the documents of a YAML file into nodes with positions. Works on the parser's events, so that depth and the
 * number of nodes (aliases counted as often as they are used) are bounded before anything grows.
 */
final class YamlReader {
    private static final LoadSettings SETTINGS = LoadSettings.builder()
            .setCodePointLimit(Syntax.Bounds.MANIFEST.bytes())
            .setParseComments(false)
            .setUseMarks(true)
            .build();

    private static final int MAX_NODES = Syntax.Bounds.MANIFEST.nodes();

    private final Parser parser;
    private final List<Problem> duplicates = new ArrayList<>();
    private Map<Anchor, Anchored> anchors = new HashMap<>();
    /** Of nodes that are being read. */
    private final Deque<Anchor> open = new ArrayDeque<>();

    private int nodes;

    private YamlReader(String text) {
        parser = new ParserImpl(SETTINGS, new StreamReader(SETTINGS, text));
    }

    /** A node that an alias may repeat, with how many nodes it expands to. */
    private record Anchored(Node node, int size) {}

    /** A fault that does not keep the reader from going on. */
    record Problem(Position position, String key, String message) {}

    /**
     * The documents of a file, those without content left out.
     *
     * @param problems keys that occur twice
     */
    record Documents(List<Node> nodes, List<Problem> problems) {}

    static Documents read(String text) throws SyntaxException {
        YamlReader reader = new YamlReader(text);
        try {
            return new Documents(reader.documents(), reader.duplicates);
        } catch (MarkedYamlEngineException e) {
            throw new SyntaxException(
                    e.getProblemMark().or(e::getContextMark).map(YamlReader::at).orElse(Position.START), explain(e));
        } catch (YamlEngineException e) {
            throw new SyntaxException(Position.START, "not YAML: " + e.getMessage());
        }
    }

    private static String explain(MarkedYamlEngineException e) {
        String problem = Optional.ofNullable(e.getProblem()).orElse("cannot be read");
        StringBuilder text = new StringBuilder("not YAML: ").append(problem);
        if (e.getContext() != null && !e.getContext().isBlank()) {
            text.append(' ').append(e.getContext());
            e.getContextMark()
                    .ifPresent(mark -> text.append(" that starts at line ").append(mark.getLine() + 1));
        }
        if (problem.contains("TAB") || problem.contains("\\t")) {
            text.append("; indent with spaces, YAML allows no tabs there");
        }
        return text.toString();
    }

    private List<Node> documents() throws SyntaxException {
        List<Node> result = new ArrayList<>();
        while (parser.hasNext()) {
            Event event = parser.next();
            switch (event.getEventId()) {
                case DocumentStart -> anchors = new HashMap<>();
                case StreamStart, StreamEnd, DocumentEnd, Comment -> {}
                default -> {
                    Node node = node(event, 0);
                    if (!(node instanceof Node.Scalar scalar && scalar.value() == null)) {
                        result.add(node);
                    }
                }
            }
        }
        return result;
    }

    private Node node(Event event, int depth) throws SyntaxException {
        Position position = position(event);
        if (depth > Syntax.MAX_DEPTH) {
            throw new SyntaxException(
                    position, "nested deeper than " + Syntax.MAX_DEPTH + " levels, which no field is");
        }
        if (event instanceof AliasEvent alias) {
            Anchored anchored = anchors.get(alias.getAlias());
            if (anchored == null) {
                Anchor anchor = alias.getAlias();
                throw new SyntaxException(
                        position,
                        open.contains(anchor)
                                ? "alias *" + anchor + " stands inside what &" + anchor + " names: it would have no end"
                                : "alias *" + anchor + " has no anchor &" + anchor + " before it");
            }
            count(position, anchored.size());
            return anchored.node();
        }
        int before = nodes;
        count(position, 1);
        anchor(event).ifPresent(open::push);
        Node node;
        if (event instanceof ScalarEvent scalar) {
            node = scalar(scalar, position);
        } else if (event instanceof SequenceStartEvent) {
            node = sequence(position, depth);
        } else {
            node = mapping(position, depth);
        }
        int size = nodes - before;
        anchor(event).ifPresent(anchor -> {
            open.pop();
            anchors.put(anchor, new Anchored(node, size));
        });
        return node;
    }

    private void count(Position position, int more) throws SyntaxException {
        nodes += more;
        if (nodes > MAX_NODES) {
            throw new SyntaxException(
                    position,
                    "more than " + MAX_NODES + " values once aliases are resolved: repeated aliases multiply");
        }
    }

    private static Optional<Anchor> anchor(Event event) {
        return event instanceof NodeEvent node ? node.getAnchor() : Optional.empty();
    }

    private static Node scalar(ScalarEvent event, Position position) {
        String text = event.getValue();
        Optional<String> tag = event.getTag();
        boolean plain = event.getScalarStyle() == ScalarStyle.PLAIN
                && tag.filter(name -> name.equals("!") || name.endsWith(":str")).isEmpty();
        return new Node.Scalar(position, plain ? Syntax.plain(text) : text, text);
    }

    private Node sequence(Position position, int depth) throws SyntaxException {
        List<Node> items = new ArrayList<>();
        for (Event event = parser.next(); event.getEventId() != Event.ID.SequenceEnd; event = parser.next()) {
            items.add(node(event, depth + 1));
        }
        return new Node.Sequence(position, items);
    }

    private Node mapping(Position position, int depth) throws SyntaxException {
        Map<String, Node.Entry> entries = new LinkedHashMap<>();
        List<Node> merged = new ArrayList<>();
        for (Event event = parser.next(); event.getEventId() != Event.ID.MappingEnd; event = parser.next()) {
            Node key = node(event, depth + 1);
            if (!(key instanceof Node.Scalar scalar)) {
                throw new SyntaxException(key.position(), "a key must be a string, not " + key.describe());
            }
            Node value = node(parser.next(), depth + 1);
            boolean quoted = event instanceof ScalarEvent written && written.getScalarStyle() != ScalarStyle.PLAIN;
            if (scalar.text().equals("<<") && !quoted) {
                merged.add(value);
                continue;
            }
            Node.@Nullable Entry first =
                    entries.putIfAbsent(scalar.text(), new Node.Entry(scalar.text(), key.position(), value));
            if (first != null) {
                duplicates.add(new Problem(
                        key.position(),
                        scalar.text(),
                        "key '" + scalar.text() + "' occurs twice, first at line "
                                + first.position().line()));
            }
        }
        for (Node source : merged) {
            merge(entries, source);
        }
        return new Node.Mapping(position, List.copyOf(entries.values()));
    }

    /** The merge key of YAML 1.1: keys of {@code source} that are not there already. */
    private void merge(Map<String, Node.Entry> entries, Node source) throws SyntaxException {
        if (source instanceof Node.Mapping mapping) {
            mapping.entries().forEach(entry -> entries.putIfAbsent(entry.key(), entry));
        } else if (source instanceof Node.Sequence sequence) {
            for (Node item : sequence.items()) {
                if (!(item instanceof Node.Mapping)) {
                    throw new SyntaxException(item.position(), "'<<' merges mappings, not " + item.describe());
                }
                merge(entries, item);
            }
        } else {
            throw new SyntaxException(source.position(), "'<<' merges mappings, not " + source.describe());
        }
    }

    private static Position position(Event event) {
        return event.getStartMark().map(YamlReader::at).orElse(Position.START);
    }

    private static Position at(Mark mark) {
        return new Position(mark.getLine() + 1, mark.getColumn() + 1);
    }
}
