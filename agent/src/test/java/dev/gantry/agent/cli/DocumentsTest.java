package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

class DocumentsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "plain",
                "two words",
                "yes",
                "No",
                "null",
                "~",
                "1",
                "-1.5",
                "1e3",
                "0x10",
                "12:30:45",
                "2026-01-02",
                "- x",
                "a: b",
                "a #b",
                "#x",
                "@x",
                "x:",
                " x",
                "x ",
                "é",
                "\u0007",
                "line\nbreak",
                "line\nbreak\n",
                "\nleading",
                "a\n\nb\n\n",
                "tab\there",
                "\"quoted\"",
                "it's",
                "{}",
                "[1]",
                "*x",
                "&x",
                "!x",
                "%x",
                "---",
                "1.2.3",
                "10.88.0.1",
                ".5",
                "=",
                "on",
                "y",
                "-",
                "?",
                "a\n  indented\n",
                "  spaces first\nthen",
                "5m",
                "100Mi",
                "true story"
            })
    void everyTextSurvivesTheWayThroughYaml(String text) {
        String yaml = Documents.yaml(new Json(Map.of("a", Map.of("b", text), "list", java.util.List.of(text))));

        Object read = new Load(LoadSettings.builder().build()).loadFromString(yaml);

        assertThat(read).as(yaml).isEqualTo(Map.of("a", Map.of("b", text), "list", java.util.List.of(text)));
    }

    @Test
    void jsonIsReadAndPrintedBack() throws IOException {
        String text =
                "{\n    \"a\": [\n        1,\n        2.5,\n        true,\n        null,\n        \"x\\n\\\"\"\n    ],\n    \"b\": {},\n    \"c\": []\n}\n";

        assertThat(Documents.json(Json.parse(text))).isEqualTo(text);
    }

    @Test
    void yamlLooksAsKubectlPrintsIt() throws IOException {
        Json document =
                Json.parse("{\"b\":[{\"y\":1,\"x\":[]},[\"q\"]],\"a\":{},\"c\":\"1\",\"d\":\"two\\nlines\\n\"}");

        assertThat(Documents.yaml(document)).isEqualTo("""
                        a: {}
                        b:
                        - x: []
                          "y": 1
                        - - q
                        c: "1"
                        d: |
                          two
                          lines
                        """);
    }
}
