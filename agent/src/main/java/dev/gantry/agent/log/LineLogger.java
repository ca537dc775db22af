package dev.gantry.agent.log;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;
import org.slf4j.event.LoggingEvent;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventAware;

/** One named logger. Libraries' loggers speak up only from warnings on, unless debugging. */
final class LineLogger extends LegacyAbstractLogger implements LoggingEventAware {
    private static final long serialVersionUID = 1;

    /** gRPC asks for TCP's keepalive on unix sockets too, and Netty warns of it at each connection. */
    private static final Set<String> ERRORS_ONLY =
            Set.of("io.netty.bootstrap.Bootstrap", "io.netty.bootstrap.ServerBootstrap");

    private final boolean own;

    LineLogger(String name) {
        this.name = name;
        this.own = name.startsWith("dev.gantry.");
    }

    private boolean isOn(Level level) {
        Level least = LogOutput.level();
        if (ERRORS_ONLY.contains(name)) {
            return level == Level.ERROR;
        }
        // Netty and gRPC tell their whole life at debug.
        Level ofLibrary = least == Level.TRACE ? Level.DEBUG : Level.WARN;
        Level bound = own || least.toInt() > ofLibrary.toInt() ? least : ofLibrary;
        return level.toInt() >= bound.toInt();
    }

    @Override
    public boolean isTraceEnabled() {
        return isOn(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return isOn(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return isOn(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return isOn(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return isOn(Level.ERROR);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String message,
            Object @Nullable [] arguments,
            @Nullable Throwable cause) {
        LogOutput.write(level, MessageFormatter.basicArrayFormat(message, arguments), List.of(), cause);
    }

    @Override
    public void log(LoggingEvent event) {
        if (!isOn(event.getLevel())) {
            return;
        }
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        LogOutput.write(
                event.getLevel(),
                MessageFormatter.basicArrayFormat(event.getMessage(), event.getArgumentArray()),
                pairs == null ? List.of() : pairs,
                event.getThrowable());
    }
}
