package dev.gantry.agent.check;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;

/**
 * One thing that was looked at.
 *
 * @param group heading, such as {@code Kernel}
 * @param subject what was looked at
 * @param found what there is
 * @param consequence what does not work because of it; empty if nothing
 * @param remedy how to change it; empty if there is nothing to do
 */
public record Finding(Level level, String group, String subject, String found, String consequence, String remedy) {
    /** How it stands. */
    public enum Level {
        /** As it should be. */
        GOOD,
        /** Pods run, but something is switched off. */
        LIMITED,
        /** Pods cannot run. */
        MISSING
    }

    static Finding good(String group, String subject, String found) {
        return new Finding(Level.GOOD, group, subject, found, "", "");
    }

    static Finding limited(String group, String subject, String found, String consequence, String remedy) {
        return new Finding(Level.LIMITED, group, subject, found, consequence, remedy);
    }

    static Finding missing(String group, String subject, String found, String consequence, String remedy) {
        return new Finding(Level.MISSING, group, subject, found, consequence, remedy);
    }

    /** The findings as {@code {"items":[…]}}. */
    public static String json(List<Finding> findings) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeArrayFieldStart("items");
            for (Finding finding : findings) {
                json.writeStartObject();
                json.writeStringField("level", finding.level.name().toLowerCase(Locale.ROOT));
                json.writeStringField("group", finding.group);
                json.writeStringField("subject", finding.subject);
                json.writeStringField("found", finding.found);
                json.writeStringField("consequence", finding.consequence);
                json.writeStringField("remedy", finding.remedy);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return text.toString();
    }
}
