package dev.gantry.agent.cli;

import java.util.List;
import java.util.function.UnaryOperator;

/** The events about one object, as kubectl's descriptions end with them. */
final class EventRows {
    private EventRows() {}

    /**
     * Prints the table with its title.
     *
     * @param age how long ago a timestamp was
     */
    static void print(StringBuilder out, List<Json> events, Console console, UnaryOperator<String> age) {
        out.append("Events:\n");
        InnerTable table = new InnerTable(true, "Type", "Reason", "Age", "From", "Message");
        for (Json event : events) {
            table.add(
                    event.text("type"),
                    event.text("reason"),
                    age(event, age),
                    event.text("source", "component"),
                    event.text("message"));
        }
        table.print(out, (column, cell) -> column == 0 && cell.equals("Warning") ? console.yellow(cell) : cell);
    }

    private static String age(Json event, UnaryOperator<String> age) {
        String last = event.text("lastTimestamp");
        if (event.number("count") > 1) {
            return age.apply(last) + " (x" + event.number("count") + " over " + age.apply(event.text("firstTimestamp"))
                    + ")";
        }
        return age.apply(last.isEmpty() ? event.text("metadata", "creationTimestamp") : last);
    }
}
