package dev.gantry.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The table: a line for each row, printed as soon as it is measured, and once more all together at the end. */
final class Report {
    private static final int TITLE_WIDTH = 44;
    private static final int VALUE_WIDTH = 18;
    private static final int BOUND_WIDTH = 24;

    private final PrintStream out;
    private final List<String> columns;
    private final List<Line> lines = new ArrayList<>();

    /** One row: what was measured, the values by column, and what was to be reached. */
    private static final class Line {
        private final String title;
        private final String bound;
        private final Map<String, String> values = new LinkedHashMap<>();
        private String verdict = "";
        private final List<String> notes = new ArrayList<>();

        Line(String title, String bound) {
            this.title = title;
            this.bound = bound;
        }
    }

    Report(PrintStream out, List<String> columns) {
        this.out = out;
        this.columns = columns;
    }

    /** A row that is being filled. */
    final class Row {
        private final Line line;

        private Row(Line line) {
            this.line = line;
        }

        void value(String column, String text) {
            line.values.put(column, text);
        }

        void millis(String column, Samples samples) {
            value(column, "%.1f ms (p95 %.1f)".formatted(samples.p50(), samples.percentile(95)));
        }

        /** Says whether the bound is met; if not, where the time or memory goes belongs into a note. */
        void verdict(boolean met) {
            line.verdict = met ? "met" : "MISSED";
        }

        void note(String text) {
            line.notes.add(text);
        }

        /** Prints it now. */
        void done() {
            print(line);
        }
    }

    Row row(String title, String bound) {
        Line line = new Line(title, bound);
        lines.add(line);
        return new Row(line);
    }

    void header() {
        print("p50 unless said otherwise", columns, "bound", "");
    }

    /** Prints all rows again. */
    void summary() {
        out.println();
        header();
        lines.forEach(this::print);
        long missed =
                lines.stream().filter(line -> line.verdict.equals("MISSED")).count();
        out.printf("%d rows, %d bounds missed%n", lines.size(), missed);
    }

    private void print(Line line) {
        print(
                line.title,
                columns.stream()
                        .map(column -> line.values.getOrDefault(column, "–"))
                        .toList(),
                line.bound,
                line.verdict);
        line.notes.forEach(note -> out.println("    " + note));
        out.flush();
    }

    private void print(String title, List<String> values, String bound, String verdict) {
        StringBuilder text = new StringBuilder(padded(title, TITLE_WIDTH));
        for (String value : values) {
            text.append(' ')
                    .append(" ".repeat(Math.max(0, VALUE_WIDTH - value.length())))
                    .append(value);
        }
        text.append("  ").append(padded(bound, BOUND_WIDTH)).append(' ').append(verdict);
        out.println(text);
    }

    private static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }
}
