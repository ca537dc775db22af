package dev.gantry.images.toml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Objects;
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
        assertThat(at(b, "skip_verify").where()).isEqualTo("host.\"https://b.example\".skip_verify");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "a = https://x | line 1: no TOML: Unknown token",
                "a = `x | line 1: no TOML: Premature end of file",
                "a = 1~b = `\\q` | line 2: no TOML: Unknown escape sequence",
                "a = 1~~a = 2 | line 3: no TOML: Duplicate key",
                "[a]~b = 1~[a] | line 3: no TOML: Table redefined",
                "[host.https://x] | line 1: no TOML: Unknown token",
            })
    void whatIsNoTomlIsToldWithItsLine(String text, String expected) {
        assertThat(catchThrowableOfType(
                        TomlFormatException.class,
                        () -> TomlReader.read(text.replace("~", "\n").replace("`", "\""))))
                .hasMessage(expected);
    }

    @Test
    void otherKindsThanExpectedAndUnknownFieldsAreToldWithTheirPlace() throws Exception {
        TomlValue root = TomlReader.read("a = 'x'\nb = ['y', 2]\nc = {}");

        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "a").bool()))
                .hasMessage("a: expected true or false, found 'x'");
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "b").texts()))
                .hasMessage("b[1]: expected a text in quotes, found 2");
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> at(root, "c").list()))
                .hasMessage("c: expected an array, found a table");
        assertThat(catchThrowableOfType(TomlFormatException.class, () -> root.onlyKeys(Set.of("a", "c", "bb"))))
                .hasMessage("b: unknown field, known are a, bb, c");
    }

    @Test
    void sizeAndDepthAreBounded() {
        assertThat(catchThrowableOfType(
                        TomlFormatException.class, () -> TomlReader.read("#".repeat(TomlReader.LARGEST + 1))))
                .hasMessage("longer than 65536 characters");
        assertThat(catchThrowableOfType(TomlFormatException.class, () -> TomlReader.read("a = " + "[".repeat(60_000))))
                .hasMessageContaining("nesting depth (17)");
    }
}
