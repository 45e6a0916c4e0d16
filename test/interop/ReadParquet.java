import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.PrimitiveType;
import shaded.parquet.com.fasterxml.jackson.databind.ObjectMapper;

/**
 * Reads Parquet files with Apache parquet-java and prints what it finds as one JSON document, in the form of read_parquet.py.
 *
 * usage: java -cp JARS ReadParquet.java FILE...
 */
final class ReadParquet {
    private static final LogicalTypeAnnotation TIME = LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS);

    public static void main(String[] files) throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        for (String file : files) found.put(file, attempt(file));
        new ObjectMapper().writeValue(System.out, Map.of("parquet_java", found));
    }

    private static Object attempt(String file) {
        try {
            return rows(file);
        } catch (Exception error) {
            return error.toString();
        }
    }

    private static List<List<Object>> rows(String file) throws Exception {
        List<List<Object>> rows = new ArrayList<>();
        try (ParquetReader<Group> reader = new Groups(file).build()) {
            for (Group row = reader.read(); row != null; row = reader.read()) rows.add(cells(row));
        }
        return rows;
    }

    private static List<Object> cells(Group row) {
        List<Object> cells = new ArrayList<>();
        for (int column = 0; column < row.getType().getFieldCount(); column++) {
            cells.add(row.getFieldRepetitionCount(column) == 0 ? null : text(row, column));
        }
        return cells;
    }

    private static Object text(Group row, int column) {
        PrimitiveType type = row.getType().getType(column).asPrimitiveType();
        LogicalTypeAnnotation meaning = type.getLogicalTypeAnnotation();
        PrimitiveType.PrimitiveTypeName stored = type.getPrimitiveTypeName();
        if (meaning == null) {
            switch (stored) {
                case BOOLEAN: return row.getBoolean(column, 0);
                case INT32: return Integer.toString(row.getInteger(column, 0));
                case INT64: return Long.toString(row.getLong(column, 0));
                case DOUBLE: return bits(row.getDouble(column, 0));
            }
        } else if (meaning.equals(TIME)) {
            return Long.toString(row.getLong(column, 0));
        } else if (meaning.equals(LogicalTypeAnnotation.stringType())) {
            return row.getString(column, 0);
        }
        throw new UnsupportedOperationException("expected a type of our tables, found " + type);
    }

    private static String bits(double value) {
        return Double.isNaN(value) ? "nan" : String.format("%016x", Double.doubleToRawLongBits(value));
    }

    /** Opens a file without Hadoop's file systems. */
    private static final class Groups extends ParquetReader.Builder<Group> {
        Groups(String file) {
            super(new LocalInputFile(Path.of(file)), new PlainParquetConfiguration());
        }

        @Override
        protected ReadSupport<Group> getReadSupport() {
            return new GroupReadSupport();
        }
    }
}
