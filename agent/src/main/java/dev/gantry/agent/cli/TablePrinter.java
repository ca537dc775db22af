package dev.gantry.agent.cli;

import java.util.ArrayList;
import java.util.List;

/** Aligns columns as kubectl does: three blanks between them, headings in capitals. */
final class TablePrinter {
    private static final String GAP = "   ";

    private final Console console;
    private final List<String> headings;
    private final List<List<String>> rows = new ArrayList<>();
    private final boolean withHeadings;
    private int[] widths = new int[0];

    TablePrinter(Console console, List<String> headings) {
        this(console, headings, true);
    }

    TablePrinter(Console console, List<String> headings, boolean withHeadings) {
        this.console = console;
        this.headings = headings;
        this.withHeadings = withHeadings;
    }

    /** Adds a row whose cells nobody vouches for. */
    void add(List<String> row) {
        rows.add(row.stream().map(PlainText::cell).toList());
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /** Prints what was added since the last time; the headings only the first time. Columns never get narrower. */
    void flush() {
        boolean first = widths.length == 0;
        if (first) {
            widths = new int[headings.size()];
            if (withHeadings) {
                widen(headings);
            }
        }
        for (List<String> row : rows) {
            widen(row);
        }
        if (first && withHeadings) {
            print(headings, true);
        }
        for (List<String> row : rows) {
            print(row, false);
        }
        rows.clear();
        console.out().flush();
    }

    private void widen(List<String> row) {
        for (int i = 0; i < row.size(); i++) {
            widths[i] = Math.max(widths[i], row.get(i).length());
        }
    }

    private void print(List<String> row, boolean heading) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < row.size(); i++) {
            String cell = row.get(i);
            line.append(heading ? console.bold(cell) : paint(headings.get(i), cell));
            if (i + 1 < row.size()) {
                line.append(" ".repeat(widths[i] - cell.length())).append(GAP);
            }
        }
        console.out().println(line.toString());
    }

    private String paint(String heading, String cell) {
        return switch (heading) {
            case "STATUS" -> status(cell);
            case "TYPE" -> cell.equals("Warning") ? console.yellow(cell) : cell;
            case "READY" -> ready(cell);
            default -> cell;
        };
    }

    private String status(String cell) {
        return switch (cell) {
            case "Running", "Ready" -> console.green(cell);
            case "Completed", "Succeeded" -> console.dim(cell);
            case "Pending", "ContainerCreating", "PodInitializing", "Terminating" -> console.yellow(cell);
            default -> console.red(cell);
        };
    }

    private String ready(String cell) {
        int slash = cell.indexOf('/');
        boolean all = slash > 0 && cell.substring(0, slash).equals(cell.substring(slash + 1));
        return slash > 0 && !all ? console.yellow(cell) : cell;
    }
}
