package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;

/** A table within a description: indented by two blanks, columns as wide as their longest cell. */
final class InnerTable {
    private static final String INDENT = "  ";
    private static final int SHORTEST_LINE = 4;

    private final List<List<String>> rows = new ArrayList<>();
    private final boolean underlined;

    /** With these headings, underlined as kubectl does it in some of its tables. */
    InnerTable(boolean underlined, String... headings) {
        this.underlined = underlined;
        rows.add(List.of(headings));
        if (underlined) {
            List<String> lines = new ArrayList<>();
            for (String heading : headings) {
                lines.add("-".repeat(Math.max(SHORTEST_LINE, heading.length())));
            }
            rows.add(lines);
        }
    }

    /** Adds a row; a line break in its last cell goes on below that cell. */
    void add(String... cells) {
        rows.add(List.of(cells));
    }

    /** What a cell looks like. */
    interface Paint {
        String paint(int column, String cell);
    }

    void print(StringBuilder out, Paint paint) {
        int[] widths = new int[rows.get(0).size()];
        for (List<String> row : rows) {
            for (int i = 0; i + 1 < row.size(); i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        int headings = underlined ? 2 : 1;
        String gap = underlined ? "  " : "   "; // as kubectl's tables of either kind have it
        for (int number = 0; number < rows.size(); number++) {
            List<String> row = rows.get(number);
            out.append(INDENT);
            int column = INDENT.length();
            for (int i = 0; i + 1 < row.size(); i++) {
                String cell = row.get(i);
                out.append(number < headings ? cell : paint.paint(i, cell));
                out.append(" ".repeat(widths[i] - cell.length())).append(gap);
                column += widths[i] + gap.length();
            }
            String last = row.get(row.size() - 1);
            out.append(
                    number < headings
                            ? last
                            : paint.paint(row.size() - 1, last).replace("\n", "\n" + " ".repeat(column)));
            out.append('\n');
        }
    }

    /** Without colours. */
    void print(StringBuilder out) {
        print(out, (column, cell) -> cell);
    }
}
