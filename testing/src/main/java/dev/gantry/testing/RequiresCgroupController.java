package dev.gantry.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Skips, with the reason, unless a cgroup2 file system is mounted, writable, and has all these controllers. With none
 * given, the file system is enough.
 */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(CgroupControllerCondition.class)
public @interface RequiresCgroupController {
    String[] value() default {};
}
