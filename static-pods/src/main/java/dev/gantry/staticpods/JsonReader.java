package dev.gantry.staticpods;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.gantry.staticpods.Syntax.SyntaxException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads JSON into nodes with positions; several values may follow each other. */
final class JsonReader {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(Syntax.MAX_DEPTH)
                    .maxDocumentLength(Syntax.Bounds.RECORD.bytes())
                    .build())
            .build();

    private final JsonParser parser;
    private final Syntax.Bounds bounds;
    private final List<YamlReader.Problem> duplicates = new ArrayList<>();
    private int nodes;

    private JsonReader(JsonParser parser, Syntax.Bounds bounds) {
        this.parser = parser;
        this.bounds = bounds;
    }

    static YamlReader.Documents read(String text, Syntax.Bounds bounds) throws SyntaxException {
        try (JsonParser parser = FACTORY.createParser(text)) {
            JsonReader reader = new JsonReader(parser, bounds);
            List<Node> documents = new ArrayList<>();
            while (parser.nextToken() != null) {
                documents.add(reader.node());
            }
            return new YamlReader.Documents(documents, reader.duplicates);
        } catch (JsonProcessingException e) {
            JsonLocation location = e.getLocation();
            throw new SyntaxException(
                    location == null ? Position.START : at(location),
                    // whoever reads this has no Java at hand
                    "not JSON: " + e.getOriginalMessage().replaceAll(", from `[^`]*`", ""));
        } catch (IOException e) {
            throw new SyntaxException(Position.START, "not JSON: " + e.getMessage());
        }
    }

    private Node node() throws IOException, SyntaxException {
        Position position = at(parser.currentTokenLocation());
        if (++nodes > bounds.nodes()) {
            throw new SyntaxException(position, "more than " + bounds.nodes() + " values");
        }
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> mapping(position);
            case START_ARRAY -> sequence(position);
            case VALUE_NUMBER_INT -> {
                Number number = parser.getNumberValue();
                yield new Node.Scalar(
                        position, number instanceof Integer ? (Object) number.longValue() : number, parser.getText());
            }
            case VALUE_NUMBER_FLOAT -> new Node.Scalar(position, parser.getDoubleValue(), parser.getText());
            case VALUE_TRUE -> new Node.Scalar(position, true, "true");
            case VALUE_FALSE -> new Node.Scalar(position, false, "false");
            case VALUE_NULL -> new Node.Scalar(position, null, "null");
            default -> new Node.Scalar(position, parser.getText(), parser.getText());
        };
    }

    private Node mapping(Position position) throws IOException, SyntaxException {
        Map<String, Node.Entry> entries = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            Position keyPosition = at(parser.currentTokenLocation());
            String key = parser.currentName();
            parser.nextToken();
            Node.@Nullable Entry first = entries.putIfAbsent(key, new Node.Entry(key, keyPosition, node()));
            if (first != null) {
                duplicates.add(new YamlReader.Problem(
                        keyPosition,
                        key,
                        "key '" + key + "' occurs twice, first at line "
                                + first.position().line()));
            }
        }
        return new Node.Mapping(position, List.copyOf(entries.values()));
    }

    private Node sequence(Position position) throws IOException, SyntaxException {
        List<Node> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(node());
        }
        return new Node.Sequence(position, items);
    }

    private static Position at(JsonLocation location) {
        return new Position(Math.max(1, location.getLineNr()), Math.max(1, location.getColumnNr()));
    }
}
