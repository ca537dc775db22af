package dev.gantry.agent.volume;

import java.util.Optional;

/**
 * A file of environment variables, in the part of the shell's syntax that Kubernetes reads: {@code NAME='value'} per line,
 * nothing expanded, a value may have several lines; blank lines and comments. Pure.
 *
 * @see <a href="https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-via-file/">The
 *     syntax</a>
 */
final class EnvFile {
    private final String text;
    private int at;
    private int line = 1;

    private EnvFile(String text) {
        this.text = text;
    }

    /**
     * The first value of a name.
     *
     * @throws VolumeException with the line, if the file up to there is not of this form
     */
    static Optional<String> find(String text, String name) throws VolumeException {
        EnvFile file = new EnvFile(text);
        while (file.skipBlank()) {
            String found = file.name();
            String value = file.value();
            if (found.equals(name)) {
                return Optional.of(value);
            }
        }
        return Optional.empty();
    }

    /** Goes to the next assignment; false at the end. */
    private boolean skipBlank() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                skipLine();
            } else if (c == '\n') {
                line++;
                at++;
            } else if (c == ' ' || c == '\t' || c == '\r') {
                at++;
            } else {
                return true;
            }
        }
        return false;
    }

    private void skipLine() {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
    }

    private String name() throws VolumeException {
        int start = at;
        while (at < text.length() && text.charAt(at) != '=' && text.charAt(at) != '\n') {
            at++;
        }
        if (at == text.length() || text.charAt(at) == '\n') {
            throw wrong("there is no '='");
        }
        String name = text.substring(start, at);
        if (name.isEmpty()) {
            throw wrong("there is no name before '='");
        }
        if (!name.equals(name.strip())) {
            throw wrong("there is a space before '='");
        }
        at++;
        return name;
    }

    private String value() throws VolumeException {
        if (at == text.length() || Character.isWhitespace(text.charAt(at))) {
            // As the shell: an empty value, and whatever follows is no part of it.
            skipLine();
            return "";
        }
        if (text.charAt(at) != '\'') {
            throw wrong("the value is not in single quotes");
        }
        int end = text.indexOf('\'', at + 1);
        if (end < 0) {
            throw wrong("the value has no closing quote");
        }
        String value = text.substring(at + 1, end);
        at = end + 1;
        int rest = at;
        skipLine();
        String after = text.substring(rest, at).strip();
        if (!after.isEmpty() && !after.startsWith("#")) {
            throw wrong("something follows the closing quote");
        }
        line += (int) value.chars().filter(c -> c == '\n').count();
        return value;
    }

    private VolumeException wrong(String what) {
        return new VolumeException("line %d: %s; write NAME='value'".formatted(line, what));
    }
}
