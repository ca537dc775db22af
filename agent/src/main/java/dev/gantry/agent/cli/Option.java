package dev.gantry.agent.cli;

/**
 * One option of a command.
 *
 * @param name the long name without its dashes
 * @param letter the one-letter name, or 0 for none
 * @param label what the value is called in the help, or empty for a switch, which takes no value
 * @param help one or more sentences
 */
record Option(String name, char letter, String label, String help) {
    static Option flag(String name, char letter, String help) {
        return new Option(name, letter, "", help);
    }

    static Option flag(String name, String help) {
        return new Option(name, (char) 0, "", help);
    }

    static Option value(String name, char letter, String label, String help) {
        return new Option(name, letter, label, help);
    }

    static Option value(String name, String label, String help) {
        return new Option(name, (char) 0, label, help);
    }

    boolean isFlag() {
        return label.isEmpty();
    }
}
