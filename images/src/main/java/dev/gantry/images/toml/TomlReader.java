package dev.gantry.images.toml;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.toml.TomlFactory;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;

/**
 * Reads TOML into values that know their place. Keys stay in the order of the text.
 *
 * @see <a href="https://toml.io/en/v1.0.0">TOML 1.0.0</a>
 */
public final class TomlReader {
    /** Characters of a text. */
    public static final int LARGEST = 64 << 10;

    private static final int DEEPEST = 16;
    private static final ObjectMapper MAPPER = new TomlMapper(TomlFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
            .build());

    private TomlReader() {}

    /** The table that the whole text is; of at most {@link #LARGEST} characters, and 16 levels deep. */
    public static TomlValue read(String text) throws TomlFormatException {
        if (text.length() > LARGEST) {
            throw new TomlFormatException("", "longer than " + LARGEST + " characters");
        }
        try {
            return new TomlValue("", MAPPER.readTree(text));
        } catch (JsonProcessingException e) {
            String where =
                    e.getLocation() == null ? "" : "line " + e.getLocation().getLineNr();
            throw new TomlFormatException(where, "no TOML: " + e.getOriginalMessage());
        }
    }
}
