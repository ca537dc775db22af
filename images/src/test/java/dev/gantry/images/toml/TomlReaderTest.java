package dev.gantry.images.toml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TomlReaderTest {
    private static TomlValue at(TomlValue table, String key) throws TomlFormatException {
        return Objects.requireNonNull(table.table().get(key), key);
    }

    @Test
    void tablesKeepTheOrderOfTheText() throws Exception {
        TomlValue root = TomlReader.read("""
                # a comment
                server = "https://z.example" # and one behind
                [host."https://b.example"]
                  capabilities = ["pull", 'resolve',
                     # inside
                  ]
                  skip_verify = true
                [host.'https://a.example']
                [host.'https://a.example'.header]
                  x-one = "1"
                """);

        assertThat(root.table().keySet()).containsExactly("server", "host");
        TomlValue hosts = at(root, "host");
        assertThat(hosts.table().keySet()).containsExactly("https://b.example", "https://a.example");
        TomlValue b = at(hosts, "https://b.example");
        assertThat(at(b, "capabilities").texts()).containsExactly("pull", "resolve");
        assertThat(at(b, "skip_verify").bool()).isTrue();
        assertThat(at(b, "skip_verify").line()).isEqualTo(7);
    }

    private static String a(String value) throws TomlFormatException {
        return at(TomlReader.read("a = " + value), "a").text();
    }

    @Test
    void textsAreReadAsWritten() throws Exception {
        assertThat(a("\"\\u00e9\\t\\\\\\\"\"")).isEqualTo("é\t\\\"");
        assertThat(a("'c:\\n'")).isEqualTo("c:\\n");
        assertThat(a("\"\"\"\nx \"y\" \\\n   z\"\"\"")).isEqualTo("x \"y\" z");
        assertThat(a("\"\"\"x\"\"\"\"")).isEqualTo("x\"");
        assertThat(a("'''\nx\\'''")).isEqualTo("x\\");
        assertThat(at(TomlReader.read("\"b c\" = 'd'"), "b c").text()).isEqualTo("d");
    }

    @Test
    void dottedKeysInlineTablesAndNumbersAreValues() throws Exception {
        TomlValue root = TomlReader.read("a.b = 1_000\r\nc = { d = [1, [\"x\"]], e.f = false }\r\n");

        assertThat(at(at(root, "a"), "b").content()).isEqualTo(1000L);
        TomlValue c = at(root, "c");
        assertThat(at(c, "d").list().get(1).texts()).containsExactly("x");
        assertThat(at(at(c, "e"), "f").bool()).isFalse();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "a = | 1: expected a value: a text in quotes, true, false, a whole number, an array or a table; found the end of the file",
                "a = https://x | 1: expected a value: a text in quotes, true, false, a whole number, an array or a table; found 'https://x'",
                "a = 1.5 | 1: expected a value: a text in quotes, true, false, a whole number, an array or a table; found '1.5'",
                "a = \"x | 1: a text has no end: \" is missing",
                "a = \"x~b = 1 | 1: a text has no end on its line: \" is missing",
                "a = \"\\q\" | 1: unknown escape \\'q\"'",
                "a = \"\\ud800\" | 1: there is no character d800",
                "a = [1~b = 2 | 2: expected ',', found 'b = 2'",
                "a = 1 b = 2 | 1: expected the end of the line, found 'b = 2'",
                "a = 1~~a = 2 | 3: 'a' is there twice",
                "[a]~b = 1~[a] | 3: table [a] is there twice",
                "a = 1~[a.b] | 2: 'a' is a value already, from line 1",
                "a = {}~a.b = 1 | 2: table 'a' is complete already",
                "[[a]] | 1: arrays of tables ([[…]]) mean nothing here",
                "[host.https://x] | 1: expected ']', found '://x]'",
                "= 1 | 1: expected a key, found '= 1'",
            })
    void whatIsNoTomlIsToldWithItsLine(String text, String expected) {
        TomlFormatException wrong =
                catchThrowableOfType(TomlFormatException.class, () -> TomlReader.read(text.replace("~", "\n")));

        assertThat(wrong.line() + ": " + wrong.getMessage()).isEqualTo(expected);
    }

    @Test
    void otherKindsThanExpectedAndUnknownFieldsAreToldWithTheirLine() throws Exception {
        TomlValue root = TomlReader.read("a = 'x'\nb = ['y', 2]\nc = {}");

        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "a").bool()))
                .hasMessage("expected true or false, found 'x'");
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "b").texts()))
                .hasMessage("expected a text in quotes, found 2");
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "c").list()))
                .hasMessage("expected an array, found a table");
        TomlFormatException unknown =
                catchThrowableOfType(TomlFormatException.class, () -> root.onlyKeys(Set.of("a", "c", "bb")));
        assertThat(unknown).hasMessage("unknown field 'b', known are a, bb, c");
        assertThat(unknown.line()).isEqualTo(2);
    }

    @Test
    void sizeAndDepthAreBounded() {
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> TomlReader.read("#".repeat(TomlReader.LARGEST + 1))))
                .hasMessage("longer than 65536 characters");
        assertThat(catchThrowableOfType(TomlFormatException.class, () -> TomlReader.read("a = " + "[".repeat(60_000))))
                .hasMessage("nested deeper than 16");
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> TomlReader.read("a" + ".a".repeat(30_000) + " = 1")))
                .hasMessage("deeper than 16 tables");
    }

    @Test
    void damagedTextsEndInAnErrorOrATable() {
        String good = "server = \"https://a\"\n[host.\"https://b\"]\nca = ['x', \"y\"] # c\nh = { a.b = '''z''' }\n";
        List<String> pieces = List.of("\"", "'", "[", "]", "{", "}", "=", "\n", "\\", ".", ",", "#", "\"\"\"", "\\u12");
        Random random = new Random(11);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder(good);
            for (int n = random.nextInt(4); n >= 0; n--) {
                int at = random.nextInt(text.length());
                if (random.nextBoolean()) {
                    text.insert(at, pieces.get(random.nextInt(pieces.size())));
                } else {
                    text.deleteCharAt(at);
                }
            }
            try {
                assertThat(TomlReader.read(text.toString()).content()).isNotNull();
            } catch (TomlFormatException e) {
                assertThat(e.line()).isBetween(1, 20);
                assertThat(e.getMessage()).isNotEmpty();
            }
        }
    }
}
